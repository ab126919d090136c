// Shows the answer below the form. Without this script the form still works: the browser opens the answer.
const form = document.querySelector("form");
const output = document.querySelector("output");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const query = new URLSearchParams(new FormData(form));
    const answer = await (await fetch(`prediction?${query}`)).json();
    // What is doubtful stands first, because it is easily overlooked below.
    const doubts = (answer.warnings || []).map((warning) => `Warning: ${warning.message}\n`);
    // JSON has null for an infinity and NaN.
    const infinite = (answer.non_finite || []).map(({ field, value }) => `${field} is ${value}\n`);
    const shown = [...doubts, ...infinite, JSON.stringify(answer, null, 2)];
    output.textContent = answer.error ? answer.error.message : shown.join("");
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
});
