// What was asked beside what the model learned, and which classes were answered: from the metrics.

import { element, percent, readable } from "./numbers.js";

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { n: "\n" };
// The usual limits for the population stability index.
const MOVED = 0.1;
const FAR = 0.25;
const MOST_CLASSES = 10;
const KNOWN = ["inside", "category", "below", "above", "unseen"];

function labelsOf(text) {
  const found = {};
  for (const [, name, value] of text.matchAll(LABEL)) {
    found[name] = value.replace(/\\(.)/g, (_, letter) => ESCAPED[letter] ?? letter);
  }
  return found;
}

// Gives the counts of each feature by kind, with its index, and the counts of each class by output.
function read(samples) {
  const features = new Map();
  const outputs = new Map();
  let rows = 0;
  const feature = (name) => {
    if (!features.has(name)) features.set(name, { name, counts: {} });
    return features.get(name);
  };
  for (const [name, written, value] of samples) {
    if (name === "infer_compared_rows_total") rows = value;
    else if (name === "infer_feature_values_total") {
      const labels = labelsOf(written);
      const { counts } = feature(labels.feature);
      counts[labels.kind] = (counts[labels.kind] || 0) + value;
    } else if (name === "infer_feature_psi") feature(labelsOf(written).feature).index = value;
    else if (name === "infer_predicted_classes_total") {
      const { output = "", class: label } = labelsOf(written);
      if (!outputs.has(output)) outputs.set(output, []);
      outputs.get(output).push([label, value]);
    }
  }
  return { rows, features: [...features.values()], outputs };
}

// Gives the share of the values outside of what the model learned, and of what kinds they are.
function outside({ counts }) {
  const known = KNOWN.reduce((sum, kind) => sum + (counts[kind] || 0), 0);
  if (!known) return { share: 0, text: "–" };
  const kinds = ["below", "above", "unseen"].filter((kind) => counts[kind]);
  const texts = kinds.map((kind) => `${percent(counts[kind] / known)} ${kind}`);
  const share = kinds.reduce((sum, kind) => sum + counts[kind], 0) / known;
  return { share, text: texts.join(", ") || "none" };
}

function missing({ counts }) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return all ? percent((counts.missing || 0) / all) : "–";
}

function index(number) {
  if (number === undefined) return element("td", { textContent: "–" });
  const said = number >= FAR ? "far from training" : number >= MOVED ? "moved" : "";
  const cell = element("td", { title: String(number), textContent: readable(Math.round(number * 1000) / 1000) });
  if (said) cell.append(element("span", { className: "note", textContent: said }));
  return cell;
}

function tableOf(features) {
  const head = ["Feature", "Outside of training", "Missing", "Stability index"];
  const lines = features.map((feature) => [feature, outside(feature)])
    .sort(([one, far], [other, near]) => near.share - far.share || (other.index ?? 0) - (one.index ?? 0));
  return element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col", textContent: name })))),
    element("tbody", {}, ...lines.map(([feature, { share, text }]) => element("tr", {},
      element("th", { scope: "row", textContent: feature.name }),
      element("td", { className: share > 0.01 ? "far" : "", textContent: text }),
      element("td", { textContent: missing(feature) }),
      index(feature.index)))));
}

function classesOf([output, counts]) {
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const shown = [...counts].sort((one, other) => other[1] - one[1]).slice(0, MOST_CLASSES);
  const texts = shown.map(([label, count]) => `${label}: ${all ? percent(count / all) : "–"}`);
  const more = counts.length > shown.length ? `, and ${counts.length - shown.length} more` : "";
  const title = output === "" ? "Answered" : `Answered as output ${Number(output) + 1}`;
  return element("div", {}, element("dt", { textContent: title }), element("dd", { textContent: texts.join(", ") + more }));
}

// Shows it below `asked`, which has a list of classes, a table, and a line that says how many rows were compared.
export function show(asked, samples) {
  const { rows, features, outputs } = read(samples);
  const isAnswered = [...outputs.values()].some((counts) => counts.some(([, count]) => count));
  // Of some models nothing is known that values could be compared with.
  const isCompared = rows > 0 && features.some(({ counts }) => KNOWN.some((kind) => kind in counts));
  const [classes, said, table] = asked.querySelectorAll("dl, .legend, .scroll");
  classes.hidden = !isAnswered;
  if (isAnswered) classes.replaceChildren(...[...outputs].map(classesOf));
  said.hidden = table.hidden = !isCompared;
  if (isCompared) {
    said.textContent = `Values of ${readable(rows)} row${rows === 1 ? "" : "s"}, beside what the model has learned`;
    table.replaceChildren(tableOf(features));
  }
  asked.hidden = !isAnswered && !isCompared;
}
