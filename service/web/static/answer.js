// Shows one answer, by the kind of the model.

import { element, percent, readable } from "./numbers.js";

const MOST_BARS = 10;
const MOST_VALUES = 12;
const SCORES = { decision_function: "Decision function", score_samples: "Score", distances: "Distances" };

const exact = (number, tag = "span") => element(tag, { title: String(number), textContent: readable(number) });

// Each kind gives the headline, a line below it, and what stands below both.
export function present(model, row) {
  const { prediction, probabilities } = row;
  const show = { classifier, clusterer, outlier_detector: outliers, transformer, neighbors }[model.kind] || numbers;
  const shown = show(prediction, probabilities, row, model);
  const scores = model.kind === "neighbors" ? [] : Object.entries(SCORES).filter(([name]) => name in row);
  const parts = scores.map(([name, label]) => element("p", { className: "score" }, `${label} `, exact(row[name])));
  return { ...shown, parts: [...(shown.parts || []), ...parts] };
}

function classifier(prediction, probabilities) {
  if (Array.isArray(prediction)) {
    const outputs = prediction.map((label, at) => element("section", { className: "output" },
      element("h3", { textContent: `Output ${at + 1}: ${label}` }),
      ...bars(probabilities?.[at], label)));
    return { value: prediction.join(", "), summary: `${prediction.length} outputs`, parts: outputs };
  }
  const share = shareOf(probabilities, prediction);
  return {
    value: String(prediction),
    summary: share === undefined ? "" : `with a probability of ${percent(share)}`,
    parts: bars(probabilities, prediction),
  };
}

export function shareOf(probabilities, label) {
  if (!probabilities || typeof probabilities !== "object") return undefined;
  if (Array.isArray(probabilities)) return probabilities[label];
  const key = Object.keys(probabilities).find((name) => isKeyOf(name, label));
  return key === undefined ? Math.max(...Object.values(probabilities)) : probabilities[key];
}

// Python writes the keys: a class that is true has the key "True", and 1.0 has "1.0".
const isKeyOf = (name, label) => name === String(label)
  || (typeof label === "number" ? Number(name) === label : typeof label === "boolean" && name.toLowerCase() === String(label));

function bars(probabilities, label) {
  if (!probabilities) return [];
  let shares = Object.entries(probabilities);
  const count = shares.length;
  if (count > MOST_BARS) shares = shares.sort((one, other) => other[1] - one[1]).slice(0, MOST_BARS);
  const items = shares.map(([name, share]) => {
    const bar = element("span", { className: "bar-fill" });
    bar.style.width = `${Math.max(0, Math.min(1, share ?? 0)) * 100}%`;
    return element("li", { className: isKeyOf(name, label) ? "is-answer" : "" },
      element("span", { className: "bar-name", textContent: name }),
      element("span", { className: "bar-share", title: String(share), textContent: share === null ? "not a number" : percent(share) }),
      element("span", { className: "bar-track", "aria-hidden": "true" }, bar));
  });
  const list = element("ul", { className: "bars", "aria-label": "Probabilities" }, ...items);
  return count > MOST_BARS ? [list, element("p", { className: "legend", textContent: `The ${MOST_BARS} most probable of ${count} classes` })] : [list];
}

function clusterer(prediction, probabilities) {
  return { value: `Cluster ${prediction}`, summary: "", parts: bars(probabilities, prediction) };
}

function outliers(prediction) {
  return prediction === -1
    ? { value: "Outlier", summary: "unlike the training data (−1)" }
    : { value: "No outlier", summary: "like the training data (1)" };
}

function transformer(prediction, _, row, model) {
  if (!Array.isArray(prediction)) {
    const { size, indices = [], values = [] } = prediction ?? {};
    if (!size) return numbers(prediction);
    const names = indices.map((at) => model.outputs?.[at] ?? `column ${at}`);
    return { value: `${indices.length} of ${size} numbers`, summary: "are not zero", parts: valueTable(names, values) };
  }
  const names = prediction.map((value, at) => model.outputs?.[at] ?? `column ${at}`);
  const count = prediction.length;
  return { value: `${count} number${count === 1 ? "" : "s"}`, summary: "the row, transformed", parts: valueTable(names, prediction) };
}

function neighbors(prediction, _, row) {
  const rows = [prediction].flat();
  const distances = [row.distances ?? []].flat();
  return {
    value: `Row ${rows[0]}`,
    summary: "is the nearest row of the training data",
    parts: valueTable(rows.map((at) => `row ${at}`), distances, "Distance"),
  };
}

function numbers(prediction) {
  if (!Array.isArray(prediction)) return { value: prediction === null ? "Not a number" : readable(prediction), exact: prediction, summary: "" };
  return {
    value: prediction.slice(0, 3).map(readable).join("; ") + (prediction.length > 3 ? "; …" : ""),
    summary: `${prediction.length} outputs`,
    parts: valueTable(prediction.map((_, at) => `output ${at + 1}`), prediction),
  };
}

function valueTable(names, values, head = "Value") {
  const rows = values.slice(0, MOST_VALUES).map((value, at) => element("tr", {},
    element("th", { scope: "row", textContent: names[at] }), exact(value, "td")));
  const table = element("table", { className: "values" },
    element("thead", {}, element("tr", {}, element("th", { scope: "col", textContent: "Name" }), element("th", { scope: "col", textContent: head }))),
    element("tbody", {}, ...rows));
  const rest = values.length - rows.length;
  return rest > 0 ? [table, element("p", { className: "legend", textContent: `${rest} more in the JSON` })] : [table];
}
