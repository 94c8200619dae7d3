// Accuracy against what a run costs: the front has names, the others tell theirs when pointed at.
function buildCost(place) {
  const means = new Map(board().rows.filter((row) => row.score && !row.diverged).map((row) => [row.name, row.score.mean]));
  const reading = new Map(board().rows.map((row) => [row.name, row.host]));
  const costs = view().costs.filter((cost) => !(reading.get(cost.name) && STATE.rule !== "final"));
  const points = costs.filter((cost) => cost.seconds > 0 && means.has(cost.name)).map((cost) => ({ name: cost.name, x: cost.seconds, y: means.get(cost.name) }));
  const front = points.filter((one) => !points.some((other) => other.x <= one.x && other.y >= one.y && (other.x < one.x || other.y > one.y))).sort((a, b) => a.x - b.x);
  const tuned = costs.some((cost) => cost.tuning_seconds !== null);
  place.replaceChildren();
  if (!costs.length) return place.append(element("p", {}, "No setting has a result of every method, so costs cannot be compared."));
  if (points.length) {
    place.append(element("p", { class: "lead" }, "Nobody is both cheaper and better than ", element("b", {}, front.map((one) => `${one.name} (${number(one.x, 2)} s)`).join(", ")), "."),
      costChart(points, front, place, `device-seconds a run${tuned ? ", search included" : ""}, log scale`));
  }
  const column = (title, key, show = number, note = "") => ({ title, note, key, numeric: true, first: "ascending", value: (cost) => cost[key], show: (cost) => show(cost[key]) });
  place.append(folded("Costs in numbers", () => table("Mean over the counted settings; device-seconds a run, without evaluation", [
    { title: "method", key: "name", value: (cost) => cost.name, show: (cost) => cost.name },
    { title: "accuracy", key: "accuracy", numeric: true, value: (cost) => means.get(cost.name) ?? null, show: (cost) => means.has(cost.name) ? percent(means.get(cost.name)) : "—" },
    column("training", "train_seconds", (value) => number(value), "s"),
    ...(tuned ? [column("tuning", "tuning_seconds", (value) => number(value), "s"), column("trials", "tuning_trials", (value) => number(value))] : []),
    column("forward", "forward", (value) => number(value), "passes a sample and epoch"), column("backward", "backward", (value) => number(value), "passes a sample and epoch"),
    column("memory", "peak_memory", (value) => number(value, 4), "MB, peak"), column("networks", "networks", (value) => `${value}`),
    { title: "hardware", key: "hardware", value: (cost) => cost.hardware.join(), show: (cost) => cost.hardware.join(", ") + (cost.stacked ? " (shared by a stack of runs)" : "") },
  ], [...costs].sort((a, b) => (a.seconds ?? Infinity) - (b.seconds ?? Infinity)))));
}

function costChart(points, front, place, words) {
  const width = widthOf(place), height = Math.round(Math.min(420, Math.max(260, width * 0.4))), left = 46, right = 90, top = 22, bottom = 40;
  const logs = points.map((one) => Math.log10(one.x)), low = mostly(points.map((one) => one.y)), high = Math.max(...points.map((one) => one.y)), room = (high - low) * 0.06 || 0.5;
  const x = scale(Math.min(...logs) - 0.05, Math.max(...logs) + 0.05, left, width - right), y = scale(low - room, high + room, height - bottom, top);
  const inside = points.filter((one) => one.y >= low), below = points.length - inside.length;
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Accuracy against ${words}. Beaten by nobody in both: ${front.map((one) => one.name).join(", ")}` });
  for (const tick of ticks(low - room, high + room, 6)) {
    svg.append(drawing("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }), drawing("text", { class: "soft", x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, `${tick}`));
  }
  for (let power = Math.floor(Math.min(...logs)) - 1; power <= Math.max(...logs) + 1; power += 1) {
    for (const by of [1, 2, 5]) {
      const at = power + Math.log10(by);
      if (at < Math.min(...logs) - 0.05 || at > Math.max(...logs) + 0.05) continue;
      svg.append(drawing("text", { class: "soft", x: x(at), y: height - 22, "text-anchor": "middle" }, `${Number((by * 10 ** power).toPrecision(3))}`));
    }
  }
  svg.append(drawing("text", { class: "soft", x: left, y: height - 4 }, words), drawing("text", { class: "soft", x: 0, y: 12 }, fitted(`accuracy, %, ${board().score}`, width)));
  const line = front.filter((one) => inside.includes(one));
  if (line.length > 1) svg.append(drawing("polyline", { class: "front", points: line.map((one) => `${x(Math.log10(one.x)).toFixed(1)},${y(one.y).toFixed(1)}`).join(" ") }));
  const places = inside.map((one) => [x(Math.log10(one.x)), y(one.y)]), taken = [];
  for (const [index, one] of inside.entries()) {
    const best = front.includes(one), at = places[index];
    const free = best && !taken.some(([a, b]) => Math.abs(a - at[0]) < 90 && Math.abs(b - at[1]) < 13);
    if (free) taken.push(at);
    const name = fitted(one.name, width - at[0] - 8), long = PEN.measureText(name).width + 8;
    const crossed = (from, to) => places.some((other) => other !== at && other[0] > from - 5 && other[0] < to + 5 && Math.abs(other[1] - at[1]) < 11);
    const turned = crossed(at[0], at[0] + long) && !crossed(at[0] - long, at[0]) && at[0] - long > left; // a dot would lie on the name
    svg.append(drawing("g", { class: best ? "best" : null }, drawing("circle", { cx: at[0], cy: at[1], r: 5 }), drawing("circle", { class: "hit", cx: at[0], cy: at[1], r: 11 }),
      drawing("title", {}, `${one.name}: ${percent(one.y)} % in ${number(one.x)} s`), free ? drawing("text", { x: at[0] + (turned ? -8 : 8), y: at[1] + 4, "text-anchor": turned ? "end" : null }, name) : null));
  }
  return element("figure", {}, svg, element("figcaption", {}, "Point at a dot for its name. Without runs that diverged",
    below ? ` and ${below} method${below > 1 ? "s" : ""} far below` : "", ". Seconds of different hardware, and of busy machines, do not compare."));
}
