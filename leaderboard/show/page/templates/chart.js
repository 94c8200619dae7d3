// Scales and axes that the charts share. A drawing is as wide as its place, so that letters keep their size.
const widthOf = (place) => Math.max(300, Math.min(1300, place.clientWidth || 800));

function ticks(low, high, about) {
  const least = (high - low) / about || 1, power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((width) => width >= least * 0.999);
  const values = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-6; value += step) values.push(value);
  return values.map((value) => Number(value.toPrecision(12)));
}

const scale = (low, high, from, to) => (value) => from + (value - low) / (high - low || 1) * (to - from);

// As much of a text as a drawing has room for, in pixels; the middle is left out, since names differ at both ends.
const PEN = document.createElement("canvas").getContext("2d");
function fitted(text, room) {
  PEN.font = "600 12px system-ui, sans-serif";
  const letters = [...text];
  const shown = (kept) => kept >= letters.length ? text : [...letters.slice(0, Math.ceil(kept / 2)), "…", ...letters.slice(letters.length - Math.floor(kept / 2))].join("");
  let kept = letters.length;
  while (kept > 2 && PEN.measureText(shown(kept)).width > room) kept -= 1;
  return shown(kept);
}

// Most of the values, and not the few that lie far below them: those are marked at the edge.
function mostly(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const fence = at(0.25) - 3 * Math.max(at(0.75) - at(0.25), 0.5);
  return sorted.find((value) => value >= fence) ?? sorted[0];
}
