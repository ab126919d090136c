// Draws for each feature how the answer changes as this one value varies, and the others stay.

import { shareOf } from "./answer.js";
import { element, percent, readable } from "./numbers.js";
import { ask, rowOf, rowText } from "./service.js";

const WIDTH = 200;
const HEIGHT = 44;
const MOST_LABELS = 5;
const MOST_CELLS = 20000;
const MOST_ROWS = 200;
// A service that takes longer for a row is asked for curves by a button only.
const SLOW_MS = 300;
const SVG = "http://www.w3.org/2000/svg";

const shape = (name, attributes) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

// What of an answer can be drawn: its name, how a number of it reads, and the number of a row.
function measure(model, row) {
  const share = row.probabilities;
  if (share && ["classifier", "clusterer"].includes(model.kind)) {
    const isMany = Array.isArray(row.prediction);
    const label = isMany ? row.prediction[0] : row.prediction;
    const of = (other) => shareOf(isMany ? other.probabilities?.[0] : other.probabilities, label);
    return { name: `the probability of ${label}${isMany ? " (output 1)" : ""}`, read: percent, of, scale: [0, 1] };
  }
  const from = (name, text) => ({ name: text, read: readable, of: (other) => [other[name]].flat()[0] });
  if (model.kind === "outlier_detector") return "decision_function" in row ? from("decision_function", "the decision function") : null;
  if (model.kind === "clusterer") return "score_samples" in row ? from("score_samples", "the score") : null;
  if (model.kind === "neighbors") return from("distances", "the distance of the nearest row");
  if (["regressor", "other"].includes(model.kind) && typeof [row.prediction].flat()[0] === "number") {
    return from("prediction", Array.isArray(row.prediction) ? "the first output" : "the prediction");
  }
  return null;
}

export class Curves {
  constructor(model, fields, legend) {
    this.model = model;
    this.legend = legend;
    this.fields = fields.filter((field) => field.places.length);
    this.drawn = new Map();
    this.visible = new Set();
    this.turn = 0;
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const field = this.fields.find((one) => one.curve === target);
        if (isIntersecting) this.visible.add(field);
        else this.visible.delete(field);
      }
      this.#later();
    });
    for (const field of this.fields) {
      field.curve = shape("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
      if (field.slider) field.box.querySelector(".scale").prepend(field.curve);
      else field.box.append(element("div", { className: "scale" }, field.curve, ...this.#labels(field)));
      watch.observe(field.curve);
    }
    this.#wipe();
  }

  // Under a few categories stand their names; of more, they are in the titles.
  #labels(field) {
    if (field.places.length > MOST_LABELS) return [];
    const names = field.places.map((place) => element("span", { title: place, textContent: place }));
    return [element("div", { className: "ends names", "aria-hidden": "true" }, ...names)];
  }

  // A new answer makes all curves stale; those that can be seen are asked for.
  renew(pairs, row, took) {
    this.turn += 1;
    this.pairs = pairs;
    this.measure = measure(this.model, row);
    this.row = row;
    this.drawn.clear();
    this.isSlow = took > SLOW_MS;
    const isDrawn = Boolean(this.measure && this.fields.length);
    this.legend.hidden = !isDrawn;
    this.legend.parentElement.classList.toggle("curved", isDrawn);
    if (!isDrawn) return;
    this.legend.textContent = "";
    if (!this.isSlow) {
      this.legend.textContent = `Each curve shows ${this.measure.name} as that one value varies and the others stay.`;
      this.#later();
      return;
    }
    this.#wipe();
    const button = element("button", { type: "button", className: "quiet", textContent: "Draw curves" });
    button.addEventListener("click", () => {
      this.isSlow = false;
      this.#later(0);
    });
    this.legend.append("This model takes its time. ", button);
  }

  // The inputs are wrong: no curve is true of them.
  clear() {
    this.turn += 1;
    this.measure = null;
    this.legend.textContent = "No curves: the inputs have no answer.";
    this.#wipe();
  }

  #wipe() {
    for (const field of this.fields) {
      field.curve.replaceChildren();
      field.curve.setAttribute("aria-label", `Curve of ${field.name}, not drawn yet`);
    }
  }

  #later(delay = 250) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#draw(), delay);
  }

  async #draw() {
    if (!this.measure || this.isSlow) return;
    const turn = this.turn;
    const waiting = this.fields.filter((field) => this.visible.has(field) && !this.drawn.has(field));
    const most = Math.min(MOST_ROWS, Math.floor(MOST_CELLS / this.pairs.length));
    while (waiting.length) {
      const group = [waiting.shift()];
      let count = group[0].places.length;
      while (waiting.length && count + waiting[0].places.length <= most) {
        count += waiting[0].places.length;
        group.push(waiting.shift());
      }
      await this.#ask(group, turn);
      if (turn !== this.turn) return;
    }
  }

  async #ask(group, turn) {
    const rows = group.flatMap((field) => field.places.map((place) => {
      const varied = this.pairs.filter(([name]) => name !== field.name);
      return rowText([...varied, [field.name, field.jsonOf(place)]]);
    }));
    let answer = null;
    try {
      ({ answer } = await ask(`{"rows": [${rows.join(",")}]}`));
    } catch {
      // The model refuses some of the values; the answer above is not touched by that.
    }
    if (turn !== this.turn) return;
    let at = 0;
    for (const field of group) {
      const values = field.places.map(() => (answer ? this.measure.of(rowOf(answer, at++)) : null));
      this.drawn.set(field, values.map((value) => (typeof value === "number" ? value : null)));
    }
    this.#paint();
  }

  // All curves have one scale, so that a flat one is a feature that changes little.
  #paint() {
    const all = [...this.drawn.values()].flat().filter((value) => value !== null);
    const [low, high] = this.measure.scale || [Math.min(...all), Math.max(...all)];
    const y = (value) => (high > low ? HEIGHT - 5 - ((value - low) / (high - low)) * (HEIGHT - 10) : HEIGHT / 2);
    for (const [field, values] of this.drawn) this.#paintOne(field, values, y);
  }

  #paintOne(field, values, y) {
    const isLine = Boolean(field.slider);
    const x = (at) => (isLine ? at / (values.length - 1) : (at + 0.5) / values.length) * WIDTH;
    const known = values.flatMap((value, at) => (value === null ? [] : [[at, value]]));
    field.curve.replaceChildren();
    if (!known.length) {
      field.curve.setAttribute("aria-label", `No curve: the model refuses these values of ${field.name}`);
      return;
    }
    const { name, read } = this.measure;
    if (isLine) {
      const points = known.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
      field.curve.append(shape("polyline", { points, class: "line" }));
      this.#mark(field, y);
      const [first, last] = [known[0], known[known.length - 1]];
      field.curve.setAttribute("aria-label", `As ${field.name} goes from ${readable(field.range[0])} to ${readable(field.range[1])}, ${name} goes from ${read(first[1])} to ${read(last[1])}.`);
      return;
    }
    for (const [at, value] of known) {
      const isNow = !field.isMissing && JSON.parse(field.jsonOf(field.places[at])) === JSON.parse(field.json);
      const [left, top] = [x(at).toFixed(1), y(value).toFixed(1)];
      const group = shape("g", { class: isNow ? "stem now" : "stem" });
      const title = shape("title", {});
      title.textContent = `${field.places[at]}: ${read(value)}`;
      group.append(title, shape("line", { x1: left, x2: left, y1: HEIGHT, y2: top }), shape("line", { x1: left, x2: left, y1: top, y2: top, class: "dot" }));
      field.curve.append(group);
    }
    const said = known.map(([at, value]) => `${field.places[at]}: ${read(value)}`).join(", ");
    field.curve.setAttribute("aria-label", `${name[0].toUpperCase()}${name.slice(1)} by ${field.name}: ${said}.`);
  }

  // Where the value is now, if it is in the range.
  #mark(field, y) {
    const [low, high] = field.range;
    const now = Number(field.text);
    const value = this.measure.of(this.row);
    if (field.isMissing || !(now >= low && now <= high) || typeof value !== "number") return;
    const x = ((now - low) / (high - low)) * WIDTH;
    field.curve.append(shape("line", { x1: x, x2: x, y1: 0, y2: HEIGHT, class: "now" }));
    field.curve.append(shape("line", { x1: x, x2: x, y1: y(value), y2: y(value), class: "dot" }));
  }
}
