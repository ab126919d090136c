// Asks the service. Bodies are text, as a number of JavaScript could not hold every number of a column.

import { withToken } from "./token.js";

export class Refused extends Error {
  constructor(error, status) {
    super(error.message);
    this.fields = error.details?.fields || [];
    this.status = status;
  }
}

// Gives the parsed answer, its text, and how long it took; raises `Refused` for an error of the service.
export async function ask(body, signal) {
  const began = performance.now();
  const response = await fetch("prediction", {
    method: "POST",
    headers: withToken({ "Content-Type": "application/json" }),
    body,
    signal,
  });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Refused({ message: `The address answered with status ${response.status}, and no JSON.` }, response.status);
  }
  if (answer.error) throw new Refused(answer.error, response.status);
  return { answer, text, took: performance.now() - began };
}

// Writes a row as JSON, from pairs of a name and a value that is JSON already.
export const rowText = (pairs) => `{${pairs.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(", ")}}`;

// The values of one row of an answer, by their names: prediction, probabilities and the scores.
export function rowOf(answer, at) {
  const row = {};
  for (const [name, values] of Object.entries(answer)) {
    if (Array.isArray(values) && !["warnings", "non_finite"].includes(name)) {
      row[name === "predictions" ? "prediction" : name] = values[at];
    }
  }
  return row;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS, a browser gives a page no clipboard.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
