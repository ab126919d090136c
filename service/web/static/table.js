// Many rows: from a pasted or dropped table to a table of answers.

import { parse, write } from "./csv.js";
import { literal } from "./fields.js";
import { element, percent, readable } from "./numbers.js";
import { ask, Refused, rowOf, rowText } from "./service.js";

const ROWS_AT_ONCE = 500;
const MOST_CELLS = 50000;
const MOST_SHOWN = 200;
const MOST_INPUTS = 6;
const MOST_CLASSES = 10;
// What programs write for a missing value, in columns that are no texts.
const GAPS = /^(nan|na|n\/a|null|none|nat|#n\/a|<na>)$/i;

const find = (id) => document.getElementById(id);

export class Table {
  constructor(model) {
    this.model = model;
    this.features = new Map(model.features.map((feature) => [feature.name, feature]));
    find("run").addEventListener("click", () => this.run());
    find("save").addEventListener("click", () => this.#save());
    find("file").addEventListener("change", () => this.#read(find("file").files[0]));
    document.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    document.addEventListener("drop", (event) => {
      const [file] = event.dataTransfer.files;
      if (!file) return;
      event.preventDefault();
      document.body.classList.remove("dropping");
      find("many").scrollIntoView();
      this.#read(file);
    });
  }

  async #read(file) {
    if (!file) return;
    find("csv").value = await file.text();
    find("file").value = "";
    this.run();
  }

  async run() {
    const turn = (this.turn = (this.turn || 0) + 1);
    const { header, lines, divider } = parse(find("csv").value);
    const known = header.map((name) => this.features.get(name.trim()) || this.features.get(name));
    if (!known.some(Boolean) || !lines.length) {
      find("rows").hidden = true;
      this.#tell(lines.length
        ? `No column of the table is one of the model's: ${[...this.features.keys()].slice(0, 8).join(", ")}.`
        : "The table needs a header and at least one row.");
      return;
    }
    this.table = { header, lines, divider, known };
    this.results = lines.map(() => null);
    const size = Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(MOST_CELLS / this.features.size)));
    find("run").disabled = true;
    try {
      for (let start = 0; start < lines.length; start += size) {
        this.#tell(`${start} of ${lines.length} rows…`);
        const positions = lines.slice(start, start + size).map((_, at) => start + at);
        await this.#predict(positions);
        if (turn !== this.turn) return;
      }
      this.#show();
    } catch (error) {
      this.#tell(`No answer: ${error.message}`);
    } finally {
      find("run").disabled = false;
    }
  }

  // Asks for some rows. Those that are refused get their reasons, and the others are asked for again.
  async #predict(positions) {
    let left = positions.filter((at) => {
      const row = this.#jsonOf(this.table.lines[at]);
      if (row.reason) this.results[at] = row;
      return !row.reason;
    });
    while (left.length) {
      try {
        const { answer } = await ask(`{"rows": [${left.map((at) => this.#jsonOf(this.table.lines[at]).text).join(",")}]}`);
        const remarks = messagesByRow(answer.warnings || []);
        left.forEach((at, index) => {
          this.results[at] = { ...rowOf(answer, index), remark: (remarks.get(index) || []).join("; ") };
        });
        return;
      } catch (error) {
        const reasons = messagesByRow(error instanceof Refused ? error.fields : []);
        if (!reasons.size) throw error;
        for (const [row, messages] of reasons) this.results[left[row]] = { reason: messages.join("; ") };
        left = left.filter((_, index) => !reasons.has(index));
      }
    }
  }

  // The row of a line as JSON, or the reason why there is none.
  #jsonOf(line) {
    const { header, known } = this.table;
    if (line.length !== header.length) return { reason: `${line.length} cells, and ${header.length} in the header` };
    const pairs = [];
    for (const [at, feature] of known.entries()) {
      if (!feature) continue;
      const isText = feature.type === "text" || feature.type === "any" || feature.categories?.some((value) => typeof value === "string");
      const cell = !isText && GAPS.test(line[at].trim()) ? "" : line[at];
      if (feature.needs_types && /^\s*([-+.\d][\d.eE+-]*|true|false)\s*$/i.test(cell)) {
        return { reason: `${feature.name} could be a text or a value of another type: ${JSON.stringify(cell)}` };
      }
      const value = literal(feature, cell);
      if (value !== undefined) pairs.push([feature.name, value]);
      else if (feature.nullable) pairs.push([feature.name, "null"]);
    }
    return { text: rowText(pairs) };
  }

  #tell(text) {
    find("progress").textContent = text;
  }

  get #names() {
    const first = this.results.find((result) => result && !result.reason) || {};
    const shares = first.probabilities;
    const isPlain = shares && !Array.isArray(shares) && Object.keys(shares).length <= MOST_CLASSES;
    const scores = Object.keys(first).filter((name) => !["prediction", "probabilities", "remark"].includes(name));
    return { classes: isPlain ? Object.keys(shares) : [], scores };
  }

  #show() {
    const { header, lines, known } = this.table;
    const refused = this.results.filter(({ reason }) => reason).length;
    const left = header.filter((_, at) => !known[at]);
    const missing = [...this.features.keys()].filter((name) => !known.some((feature) => feature?.name === name));
    const list = (names) => names.slice(0, 5).join(", ") + (names.length > 5 ? " and more" : "");
    this.#tell(`${lines.length - refused} of ${lines.length} rows answered${refused ? `, ${refused} refused` : ""}.`
      + (left.length ? ` Left out: ${list(left)}.` : "") + (missing.length ? ` Not in the table: ${list(missing)}.` : ""));
    const { classes, scores } = this.#names;
    const inputs = header.map((_, at) => at).filter((at) => known[at]).slice(0, MOST_INPUTS);
    const heads = ["Row", "Prediction", ...classes, ...scores, ...inputs.map((at) => header[at])];
    const body = this.results.slice(0, MOST_SHOWN).map((result, at) => {
      const cells = inputs.map((column) => element("td", { className: "input", textContent: lines[at][column] ?? "" }));
      const answer = result.reason
        ? [element("td", { className: "reason", colSpan: 1 + classes.length + scores.length, textContent: result.reason })]
        : [
            element("td", { className: "prediction", title: text(result.prediction) }, readable(short(result.prediction)),
              ...(result.remark ? [element("span", { className: "note", textContent: result.remark })] : [])),
            ...classes.map((name) => element("td", { title: text(result.probabilities[name]), textContent: percent(result.probabilities[name]) })),
            ...scores.map((name) => element("td", { title: text(result[name]), textContent: readable(short(result[name])) })),
          ];
      return element("tr", { className: result.reason ? "refused" : "" }, element("th", { scope: "row", textContent: at + 1 }), ...answer, ...cells);
    });
    find("table").replaceChildren(
      element("caption", { className: "unseen", textContent: "Answers to the rows" }),
      element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col", textContent: name })))),
      element("tbody", {}, ...body));
    find("more").textContent = lines.length > MOST_SHOWN ? `${lines.length - MOST_SHOWN} more rows are in the file.` : "";
    find("rows").hidden = false;
  }

  // The whole table as it was given, and the exact answers behind it.
  #save() {
    const { header, lines, divider } = this.table;
    const { classes, scores } = this.#names;
    const hasReasons = this.results.some(({ reason }) => reason);
    const heads = [...header, "prediction", ...classes.map((name) => `probability_${name}`), ...scores, ...(hasReasons ? ["error"] : [])];
    const made = this.results.map((result, at) => [
      ...header.map((_, column) => lines[at][column]),
      text(result.prediction),
      ...classes.map((name) => text(result.probabilities?.[name])),
      ...scores.map((name) => text(result[name])),
      ...(hasReasons ? [result.reason] : []),
    ]);
    const url = URL.createObjectURL(new Blob([write([heads, ...made], divider)], { type: "text/csv" }));
    element("a", { href: url, download: "predictions.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}

function messagesByRow(entries) {
  const found = new Map();
  for (const { row, message } of entries) {
    if (row !== undefined) found.set(row, [...(found.get(row) || []), message.replace(/^row \d+: /, "")]);
  }
  return found;
}

const text = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value ?? ""));
const short = (value) => {
  const whole = typeof value === "number" ? value : text(value);
  return whole.length > 60 ? `${whole.slice(0, 60)}…` : whole;
};
