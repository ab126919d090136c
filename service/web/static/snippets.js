// The request of the form, as code.

import { rowText } from "./service.js";

const MOST_IN_URL = 12;
const shell = (text) => `'${text.replace(/'/g, "'\\''")}'`;
const encoded = (text) => encodeURIComponent(text).replace(/'/g, "%27");

// `pairs` are names with JSON, and `texts` are names with the values of a query, or null if no query says them.
export function snippet(language, url, pairs, texts) {
  const row = rowText(pairs);
  if (language === "python") {
    const constants = { null: "None", true: "True", false: "False" };
    const lines = pairs.map(([name, value]) => `    ${JSON.stringify(name)}: ${constants[value] || value},`);
    return `import requests\n\nrow = {\n${lines.join("\n")}\n}\nanswer = requests.post("${url}", json=row)\nprint(answer.json())\n`;
  }
  if (language === "javascript") {
    return `const row = ${row};\nconst answer = await fetch("${url}", {\n  method: "POST",\n  headers: { "Content-Type": "application/json" },\n  body: JSON.stringify(row),\n});\nconsole.log(await answer.json());\n`;
  }
  if (texts && texts.length <= MOST_IN_URL) {
    return `curl ${shell(`${url}?${texts.map(([name, text]) => `${encoded(name)}=${encoded(text)}`).join("&")}`)}\n`;
  }
  return `curl -H 'Content-Type: application/json' \\\n  -d ${shell(row)} \\\n  ${shell(url)}\n`;
}
