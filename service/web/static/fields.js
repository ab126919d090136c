// The fields of the form: what each holds as text and as JSON, its slider, and what is wrong with it.

import { element, readable } from "./numbers.js";

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const STEPS = 200;

// A value of a query or a CSV file as JSON, as far as its column tells the type; undefined for a missing value.
export function literal(feature, text) {
  const trimmed = text.trim();
  const known = feature.categories?.find((value) => value !== null && String(value) === (typeof value === "string" ? text : trimmed));
  if (known !== undefined && feature.type !== "any") return JSON.stringify(known);
  if (feature.type === "text" || (feature.type === "category" && holdsTexts(feature))) {
    return text === "" && feature.nullable ? undefined : JSON.stringify(text);
  }
  if (trimmed === "") return undefined;
  if (feature.type === "boolean") {
    return { true: "true", false: "false", 1: "true", 0: "false" }[trimmed.toLowerCase()] || JSON.stringify(trimmed);
  }
  if (feature.type === "date") return JSON.stringify(trimmed);
  if (feature.type === "any" && /^(true|false|"(?:[^"\\]|\\.)*")$/.test(trimmed)) return trimmed;
  if (NUMBER.test(trimmed)) return trimmed;
  // Such as +5, .5 and 5.: numbers to Python, but not to JSON.
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return String(Number(trimmed));
  return JSON.stringify(feature.type === "any" ? text : trimmed);
}

const holdsTexts = (feature) => !feature.categories || feature.categories.some((value) => typeof value === "string");

export class Field {
  constructor(feature, control) {
    this.feature = feature;
    this.control = control;
    this.box = control.closest(".field");
    this.problem = this.box.querySelector(".problem");
    this.mark = this.box.querySelector(".mark:not(.unused)");
    this.usual = control.value;
    this.described = this.mark ? [this.mark.id] : [];
    this.range = feature.range;
    if (feature.type === "boolean" && !feature.nullable && control.options?.length === 2) this.#makeSwitch();
    if (control.type === "date") this.#addTime();
    if (feature.needs_types) this.#explain('5 is a number, "5" a text');
    if (feature.categories && control.tagName === "INPUT") this.#suggest();
    if (this.range && control.tagName === "INPUT") this.#addSlider();
    this.changed();
  }

  get name() {
    return this.feature.name;
  }

  get text() {
    if (this.control.type === "checkbox") return String(this.control.checked);
    return this.control.value + (this.time?.value ? `T${this.time.value}` : "");
  }

  set text(text) {
    if (this.control.type === "checkbox") this.control.checked = text === "true" || text === "1";
    else if (this.time) [this.control.value, this.time.value] = [text.slice(0, 10), text.slice(11)];
    else this.control.value = text;
    this.changed();
  }

  // The value as JSON; undefined for a field that is empty, and so left out of the row.
  get json() {
    return this.jsonOf(this.text);
  }

  jsonOf(text) {
    const found = literal(this.feature, text);
    return found === undefined && this.feature.nullable && this.feature.required ? "null" : found;
  }

  get isMissing() {
    return [undefined, "null"].includes(this.json);
  }

  // The texts for a curve: numbers over the range, or all of a few categories.
  get places() {
    const { type, categories } = this.feature;
    if (this.range && this.slider) {
      const [low, high] = this.range;
      return Array.from({ length: 25 }, (_, at) => String(Number((low + ((high - low) * at) / 24).toPrecision(12))));
    }
    if (type === "boolean") return ["false", "true"];
    const known = (categories || []).filter((value) => value !== null);
    return known.length > 1 && known.length <= 12 ? known.map(String) : [];
  }

  // Follows a change of the value.
  changed() {
    if (this.mark) this.mark.textContent = this.isMissing ? "missing" : "may be empty";
    this.box.classList.toggle("missing", Boolean(this.mark) && this.isMissing);
    if (this.slider && document.activeElement !== this.slider) this.slider.value = this.control.value;
    this.slider?.classList.toggle("idle", this.isMissing || Number.isNaN(Number(this.text)));
  }

  complain(message, isError = true) {
    this.problem.hidden = !message;
    this.problem.textContent = message;
    this.problem.classList.toggle("warning", !isError);
    if (message && isError) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
    const ids = [...this.described, ...(message ? [this.problem.id] : [])];
    if (ids.length) this.control.setAttribute("aria-describedby", ids.join(" "));
    else this.control.removeAttribute("aria-describedby");
  }

  #makeSwitch() {
    const { id, name, value } = this.control;
    const made = element("input", { id, name, type: "checkbox", role: "switch", checked: value === "true" });
    this.control.replaceWith(made);
    this.control = made;
    this.box.classList.add("switch");
  }

  #addTime() {
    this.time = element("input", { type: "time", step: 1, "aria-label": `Time of ${this.name}, may be empty` });
    const [day, time = ""] = String(this.feature.usual ?? this.usual).split("T");
    this.usual = day + (time && time !== "00:00:00" ? `T${time}` : "");
    [this.control.value, this.time.value] = [day, time === "00:00:00" ? "" : time];
    const pair = element("span", { className: "pair" });
    this.control.before(pair);
    pair.append(this.control, this.time);
  }

  #explain(text) {
    const note = element("p", { className: "hint", id: `${this.control.id}-hint`, textContent: text });
    this.problem.after(note);
    this.described.push(note.id);
  }

  // A long list is made when somebody comes to the field.
  #suggest() {
    this.control.addEventListener("focus", () => {
      const known = this.feature.categories.filter((value) => value !== null);
      const list = element("datalist", { id: `${this.control.id}-known` }, ...known.map((value) => element("option", { value: String(value) })));
      this.box.append(list);
      this.control.setAttribute("list", list.id);
    }, { once: true });
    const { category_count: count, accepts_others: isOpen } = this.feature;
    this.#explain(`${count} known${isOpen ? ", others are taken too" : ""}`);
  }

  #addSlider() {
    const [low, high] = this.range;
    const step = 10 ** Math.floor(Math.log10((high - low) / STEPS));
    this.slider = element("input", { type: "range", className: "slider", "aria-label": `${this.name}, slider` });
    Object.assign(this.slider, { min: low, max: high, step: "any", value: this.control.value });
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    this.slider.addEventListener("input", () => {
      this.control.value = String(Number(Number(this.slider.value).toFixed(Math.min(digits, 20))));
      this.control.dispatchEvent(new Event("input", { bubbles: true }));
    });
    // The name of a slider has to be unlike the name of a feature.
    this.slider.dataset.part = "slider";
    this.slider.addEventListener("keydown", (event) => this.#step(event, (high - low) / 100));
    this.control.addEventListener("keydown", (event) => /Arrow(Up|Down)/.test(event.key) && this.#step(event, (high - low) / 100));
    // Among many fields, one stop for each is enough: the keys do the same in both.
    if (this.box.closest(".dense")) this.slider.tabIndex = -1;
    const ends = element("div", { className: "ends", "aria-hidden": "true" },
      element("span", { title: String(low), textContent: readable(low) }),
      element("span", { title: String(high), textContent: readable(high) }));
    this.problem.after(element("div", { className: "scale" }, this.slider, ends));
  }

  // With a step of "any", keys would move by 1.
  #step(event, distance) {
    const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    this.slider.value = Number(this.slider.value) + move * distance;
    this.slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
