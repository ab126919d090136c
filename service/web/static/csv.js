// Reads and writes CSV as RFC 4180 describes it; commas, semicolons and tabs divide.

export function parse(text) {
  const divider = dividerOf(text);
  const lines = [];
  let line = [];
  let cell = "";
  let isQuoted = false;
  const endCell = () => {
    line.push(cell);
    cell = "";
  };
  const endLine = () => {
    endCell();
    if (line.length > 1 || line[0] !== "") lines.push(line);
    line = [];
  };
  const source = text.replace(/^\uFEFF/, "");
  for (let at = 0; at < source.length; at += 1) {
    const sign = source[at];
    if (isQuoted) {
      if (sign !== '"') cell += sign;
      else if (source[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else isQuoted = false;
    } else if (sign === '"' && cell === "") isQuoted = true;
    else if (sign === divider) endCell();
    else if (sign === "\n") endLine();
    else if (sign !== "\r" || source[at + 1] !== "\n") cell += sign;
  }
  endLine();
  return { header: lines[0] || [], lines: lines.slice(1), divider };
}

// The sign that divides the header most often.
function dividerOf(text) {
  const header = text.split("\n", 1)[0].replace(/"[^"]*"/g, "");
  const count = (sign) => header.split(sign).length;
  return ["\t", ";"].reduce((best, sign) => (count(sign) > count(best) ? sign : best), ",");
}

export function write(lines, divider = ",") {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /["\r\n]/.test(text) || text.includes(divider) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return lines.map((line) => `${line.map(cell).join(divider)}\r\n`).join("");
}
