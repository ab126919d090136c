// Numbers as people read them; the exact number is always in the title of what shows one.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const large = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function readable(number) {
  if (typeof number !== "number") return String(number);
  const size = Math.abs(number);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return number.toExponential(2).replace("e+", "e");
  return (size >= 10000 ? large : plain).format(number).replace("-", "−");
}

export function percent(share) {
  if (share > 0.999 && share < 1) return "> 99.9 %";
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${(share * 100).toFixed(1).replace(/\.0$/, "")} %`;
}

export function seconds(time) {
  if (time < 0.001) return `${plain.format(time * 1e6)} µs`;
  return time < 1 ? `${plain.format(time * 1000)} ms` : `${plain.format(time)} s`;
}

// Makes an element; the keys of `properties` are properties, or attributes if they have a hyphen.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}
