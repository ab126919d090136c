// The page: asks for the answer to the form while somebody types. Without this script the form still works.

import { present } from "./answer.js";
import { Curves } from "./curves.js";
import { write } from "./csv.js";
import { Field } from "./fields.js";
import { follow } from "./figures.js";
import { element } from "./numbers.js";
import { ask, copy, Refused, rowOf, rowText } from "./service.js";
import { snippet } from "./snippets.js";
import { Table } from "./table.js";
import { token, withToken } from "./token.js";

const TYPING_MS = 120;
const AGAIN_MS = 1500;
const find = (id) => document.getElementById(id);
const inputs = find("inputs");
const model = await (await fetch("model", { headers: withToken() })).json();
const fields = model.features.map((feature, at) => new Field(feature, find(`f${at}`)));
const byName = new Map(fields.map((field) => [field.name, field]));
const curves = new Curves(model, fields, find("legend"));
let language = "curl";
let turn = 0;
let asked;
let timer;
let isAsking = false;
let isBehind = false;

// A field that is empty and may be, is left out of the row or missing in it.
const pairsOf = () => fields.flatMap((field) => (field.json === undefined ? [] : [[field.name, field.json]]));

function later(delay = TYPING_MS) {
  clearTimeout(timer);
  timer = setTimeout(predict, delay);
}

// While a slider is drawn, the next question waits for the answer to the last one, and for no timer.
function drag() {
  if (isAsking) isBehind = true;
  else predict();
}

// Only the answer to the last question is shown, whichever comes last.
async function predict() {
  clearTimeout(timer);
  [isAsking, isBehind] = [true, false];
  const own = (turn += 1);
  asked?.abort();
  asked = new AbortController();
  const pairs = pairsOf();
  showState(pairs);
  try {
    const { answer, text, took } = await ask(rowText(pairs), asked.signal);
    if (own !== turn) return;
    complain([]);
    showAnswer(answer, text);
    curves.renew(pairs, rowOf(answer, 0), took);
  } catch (error) {
    if (own !== turn || error.name === "AbortError") return;
    showError(error);
  } finally {
    if (own === turn) {
      isAsking = false;
      if (isBehind) predict();
    }
  }
}

function showAnswer(answer, text) {
  const row = rowOf(answer, 0);
  const shown = present(model, row);
  find("value").textContent = shown.value;
  find("value").title = String(shown.exact ?? "");
  find("value").className = shown.value.length > 14 ? "value long" : "value";
  find("summary").textContent = shown.summary;
  find("parts").replaceChildren(...shown.parts);
  const doubts = (answer.warnings || []).map((warning) => {
    byName.get(warning.field)?.complain(warning.message, false);
    return warning.message;
  });
  // JSON has null for an infinity and NaN.
  const infinite = (answer.non_finite || []).map(({ field, value }) => `${field} is ${value}`);
  remark([...doubts, ...infinite]);
  find("json").textContent = text.trim();
  find("raw").hidden = false;
  say(`${shown.value} ${shown.summary}`);
}

function showError(error) {
  const own = error instanceof Refused ? error.fields.filter(({ field }) => byName.has(field)) : [];
  const others = error.fields?.filter(({ field }) => !byName.has(field)).map(({ message }) => message) || [];
  complain(own);
  find("value").textContent = "–";
  find("value").className = "value";
  find("summary").textContent = own.length ? `${own.length} input${own.length === 1 ? " needs" : "s need"} a look` : "No answer";
  find("parts").replaceChildren();
  find("raw").hidden = true;
  curves.clear();
  if (own.length) {
    find("remarks").replaceChildren(...own.slice(0, 8).map(({ field, message }) => {
      const target = byName.get(field);
      const link = element("a", { href: `#${target.control.id}`, textContent: message });
      link.addEventListener("click", (event) => {
        event.preventDefault();
        show(target);
        target.control.focus();
      });
      return element("li", { className: "bad" }, link);
    }));
  } else remark(others.length ? others : [error instanceof Refused ? error.message : "The service does not answer."], "bad");
  say(find("summary").textContent);
  if (!(error instanceof Refused) || error.status === 503) later(AGAIN_MS);
}

const complain = (problems) => {
  const messages = new Map(problems.map(({ field, message }) => [field, message]));
  for (const field of fields) field.complain(messages.get(field.name) || "");
};

const remark = (texts, className = "") => find("remarks").replaceChildren(...texts.map((text) => element("li", { textContent: text, className })));

// A screen reader hears an answer once somebody has stopped typing.
let saying;
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => (find("said").textContent = text), 700);
}

function tell(text) {
  find("told").textContent = text;
  setTimeout(() => (find("told").textContent = ""), 2500);
}

// Some browsers take few changes of the address a second.
let linking;
function linkLater() {
  clearTimeout(linking);
  linking = setTimeout(writeLink, 400);
}

function writeLink() {
  const state = fields.map(({ name, text }) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`).join("&");
  history.replaceState(null, "", `#${state}`);
}

// The link and the code follow the inputs.
function showState(pairs) {
  linkLater();
  const url = new URL("prediction", document.baseURI).href;
  const isPlain = fields.every((field) => !field.feature.needs_types && (field.json === undefined || field.json === "null" || field.text !== ""));
  const texts = fields.flatMap((field) => (field.json === undefined ? [] : [[field.name, field.isMissing ? "" : field.text]]));
  find("snippet").textContent = snippet(language, url, pairs, isPlain ? texts : null, Boolean(token()));
}

function readState() {
  for (const part of location.hash.slice(1).split("&")) {
    const at = part.indexOf("=");
    try {
      const field = at > 0 && byName.get(decodeURIComponent(part.slice(0, at)));
      if (field) field.text = decodeURIComponent(part.slice(at + 1));
    } catch {
      // It is no link of this page.
    }
  }
}

function show(field) {
  find("filter").value = "";
  filter();
  field.box.scrollIntoView({ block: "center" });
}

function filter() {
  const words = find("filter").value.toLowerCase();
  let count = 0;
  for (const { name, box } of fields) {
    box.hidden = !name.toLowerCase().includes(words);
    count += !box.hidden;
  }
  find("none").hidden = count > 0;
}

inputs.addEventListener("input", (event) => {
  const field = fields.find(({ box }) => box.contains(event.target));
  if (!field || event.target === field.slider) return;
  field.changed();
  if (document.activeElement === field.slider) drag();
  else later();
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  predict();
});
find("filter").addEventListener("input", filter);
find("filter").addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
find("reset").addEventListener("click", () => {
  for (const field of fields) field.text = field.usual;
  predict();
});
find("link").addEventListener("click", async () => {
  writeLink();
  await copy(location.href);
  tell("Link copied");
});
find("copy").addEventListener("click", async () => {
  await copy(find("snippet").textContent);
  tell("Code copied");
});
find("sample").addEventListener("click", () => {
  find("csv").value = write([fields.map(({ name }) => name), fields.map(({ text }) => text)]);
  find("csv").focus();
});
for (const choice of document.querySelectorAll(".choice")) {
  choice.addEventListener("click", () => {
    language = choice.dataset.language;
    for (const one of document.querySelectorAll(".choice")) one.setAttribute("aria-pressed", String(one === choice));
    showState(pairsOf());
  });
}
window.addEventListener("hashchange", () => {
  readState();
  predict();
});

for (const id of ["reset", "link", "many", "code"]) find(id).hidden = false;
document.querySelector(".filter").hidden = fields.length <= 12;
readState();
new Table(model);
follow(find("figures"), find("asked"));
predict();
