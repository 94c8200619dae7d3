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

// Most of the values, and not the few that lie far below them: those are marked at the edge.
function mostly(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const fence = at(0.25) - 3 * Math.max(at(0.75) - at(0.25), 0.5);
  return sorted.find((value) => value >= fence) ?? sorted[0];
}
