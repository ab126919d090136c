// Live figures of the service, from its metrics.

import { show } from "./asked.js";
import { element, readable, seconds } from "./numbers.js";
import { withToken } from "./token.js";

const EVERY_MS = 5000;
const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;

// Gives the samples of the metrics: their names, the text of their labels, and their values.
function samplesOf(text) {
  const lines = text.split("\n").map((line) => LINE.exec(line)).filter(Boolean);
  return lines.map(([, name, labels = "", written]) => [name, labels, Number(written)]);
}

function read(samples) {
  const found = { answered: 0, refused: 0, rows: 0, buckets: [], since: 0 };
  for (const [name, labels, value] of samples) {
    if (name === "infer_requests_total" && labels.includes('route="/prediction"')) {
      found[labels.includes('status="200"') ? "answered" : "refused"] += value;
    } else if (name === "infer_predicted_rows_total") found.rows = value;
    else if (name === "process_start_time_seconds") found.since = value;
    else if (name === "infer_request_duration_seconds_bucket") {
      const end = /le="([^"]+)"/.exec(labels)[1];
      found.buckets.push([end === "+Inf" ? Infinity : Number(end), value]);
    }
  }
  return found;
}

// The time that this share of the requests takes at most, as `histogram_quantile` of Prometheus gives it.
export function quantile(buckets, share) {
  const total = buckets.length ? buckets[buckets.length - 1][1] : 0;
  if (!total) return null;
  const at = buckets.findIndex(([, count]) => count >= share * total);
  const [end, count] = buckets[at];
  const [start, before] = at > 0 ? buckets[at - 1] : [0, 0];
  if (end === Infinity) return start;
  return start + ((end - start) * (share * total - before)) / (count - before);
}

export function follow(list, asked) {
  let isSeen = false;
  const refresh = async () => {
    if (!isSeen || document.hidden) return;
    try {
      const answer = await fetch("metrics", { headers: withToken() });
      // A token may be for predictions alone.
      if (!answer.ok) return;
      const samples = samplesOf(await answer.text());
      const { answered, refused, rows, buckets, since } = read(samples);
      const times = [0.5, 0.99].map((share) => quantile(buckets, share));
      const pairs = [
        ["Requests answered", readable(answered), answered],
        ["Requests refused", readable(refused), refused],
        ["Rows answered", readable(rows), rows],
        ["Half take at most (p50)", times[0] === null ? "–" : seconds(times[0]), `${times[0]} s`],
        ["99 of 100 take at most (p99)", times[1] === null ? "–" : seconds(times[1]), `${times[1]} s`],
        ["Since", new Date(since * 1000).toLocaleString(), since],
      ];
      list.replaceChildren(...pairs.map(([name, value, exact]) => element("div", {},
        element("dt", { textContent: name }), element("dd", { textContent: value, title: String(exact) }))));
      list.hidden = false;
      show(asked, samples);
    } catch {
      // The next turn asks again.
    }
  };
  new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    refresh();
  }).observe(list.closest("section"));
  setInterval(refresh, EVERY_MS);
}
