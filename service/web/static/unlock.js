// Asks for the token, and puts the page that it opens in the place of this one.

import { keep, token, withToken } from "./token.js";

const MARK = "token=";
const form = document.getElementById("form");
const field = document.getElementById("token");
const said = document.getElementById("said");

// A link may carry the token behind the #, which no browser sends to anybody. It is taken out of the address.
function takeFromLink() {
  const parts = location.hash.slice(1).split("&");
  const found = parts.find((part) => part.startsWith(MARK));
  if (found === undefined) return;
  keep(decodeURIComponent(found.slice(MARK.length)));
  const rest = parts.filter((part) => part !== found).join("&");
  history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
}

async function open() {
  const answer = await fetch(location.href, { headers: withToken({ Accept: "text/html, */*" }), cache: "no-store" });
  if (answer.status === 401) {
    keep(null);
    said.textContent = "The service does not know this token.";
    field.focus();
    return;
  }
  const text = await answer.text();
  if (!(answer.headers.get("Content-Type") || "").startsWith("text/html")) {
    const shown = document.createElement("pre");
    shown.textContent = text;
    document.body.replaceChildren(shown);
    return;
  }
  document.open();
  document.write(text);
  document.close();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  keep(field.value.trim());
  open();
});
takeFromLink();
if (token()) open();
else field.focus();
