// The request of the form, as code.

import { rowText } from "./service.js";

const MOST_IN_URL = 12;
const shell = (text) => `'${text.replace(/'/g, "'\\''")}'`;
const encoded = (text) => encodeURIComponent(text).replace(/'/g, "%27");

// `pairs` are names with JSON, and `texts` are names with the values of a query, or null if no query says them. A
// token is read from the environment: code is passed on, and a token must not be.
export function snippet(language, url, pairs, texts, needsToken) {
  const row = rowText(pairs);
  if (language === "python") {
    const constants = { null: "None", true: "True", false: "False" };
    const lines = pairs.map(([name, value]) => `    ${JSON.stringify(name)}: ${constants[value] || value},`);
    const headers = needsToken ? `headers = {"Authorization": f"Bearer {os.environ['INFER_TOKEN']}"}\n` : "";
    const sent = needsToken ? "json=row, headers=headers" : "json=row";
    return `${needsToken ? "import os\n\n" : ""}import requests\n\nrow = {\n${lines.join("\n")}\n}\n${headers}answer = requests.post("${url}", ${sent})\nprint(answer.json())\n`;
  }
  if (language === "javascript") {
    return `const row = ${row};\nconst answer = await fetch("${url}", {\n  method: "POST",\n  headers: { "Content-Type": "application/json"${needsToken ? ", Authorization: `Bearer ${process.env.INFER_TOKEN}`" : ""} },\n  body: JSON.stringify(row),\n});\nconsole.log(await answer.json());\n`;
  }
  const header = needsToken ? `-H "Authorization: Bearer $INFER_TOKEN" ` : "";
  if (texts && texts.length <= MOST_IN_URL) {
    return `curl ${header}${shell(`${url}?${texts.map(([name, text]) => `${encoded(name)}=${encoded(text)}`).join("&")}`)}\n`;
  }
  return `curl ${header}-H 'Content-Type: application/json' \\\n  -d ${shell(row)} \\\n  ${shell(url)}\n`;
}
