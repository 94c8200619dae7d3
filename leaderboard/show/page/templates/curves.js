// Curves over epochs: the mean over replicates with the band of all of them; a click on the legend shows or hides a method.
const COLOURS = new Map();

function buildCurves(place) {
  const runs = of(later("curve-data")), settings = [...new Set(runs.map((run) => run[2]))];
  place.replaceChildren();
  if (!runs.length) return place.append(element("p", {}, "There are no curves here."));
  const preferred = STATE.by && settings.includes(STATE.by) ? STATE.by : board().columns.map((column) => column.setting).find((name) => settings.includes(name));
  const setting = settings.includes(STATE.curve) ? STATE.curve : preferred ?? settings[0];
  const quantity = Math.max(0, DATA.quantities.findIndex(([name]) => name === STATE.quantity));
  const here = runs.filter((run) => run[2] === setting && run[5][quantity].some((value) => value !== null));
  const methods = [...new Set(here.map((run) => run[3]))];
  const shown = chosenCurves(methods, setting);
  const pick = (words, now, pairs, set) => element("label", {}, words, element("select", { onchange: (event) => { set(event.target.value); changed("curves"); } },
    pairs.map(([value, text]) => element("option", { value, selected: value === now }, text))));
  place.append(element("div", { class: "choice" },
    pick("Setting", setting, settings.map((name) => [name, name]), (value) => { STATE.curve = value; }),
    pick("Quantity", DATA.quantities[quantity][0], DATA.quantities, (value) => { STATE.quantity = value; })));
  place.append(element("ul", { class: "legend", "aria-label": "Methods" }, methods.map((name) => element("li", {}, element("button", {
    type: "button", "aria-pressed": String(shown.includes(name)), onclick: () => {
      STATE.shown = (shown.includes(name) ? shown.filter((each) => each !== name) : [...shown, name]).join("|") || "|";
      changed("curves");
    } }, element("i", { style: `border-color:${shown.includes(name) ? colourOf(name) : "var(--rule)"}` }), name)))));
  const series = shown.filter((name) => methods.includes(name)).map((name) => ({ name, ...summary(here.filter((run) => run[3] === name).map((run) => run[5][quantity])) }));
  if (!series.length) return place.append(element("p", {}, methods.length ? "Choose a method above." : "This was not measured here."));
  place.append(curveChart(series, place, DATA.quantities[quantity][1], setting));
  place.append(folded("The same in numbers", () => table(`${DATA.quantities[quantity][1]}, %, ${setting}; mean over replicates, epochs counted from 1`, [
    { title: "method", key: "name", value: (one) => one.name, show: (one) => one.name },
    { title: "replicates", key: "n", numeric: true, value: (one) => one.n, show: (one) => `${one.n}` },
    { title: "first epoch", key: "start", numeric: true, value: (one) => one.mean[0], show: (one) => (one.mean[0] / 100).toFixed(2) },
    { title: "highest", key: "best", numeric: true, value: (one) => Math.max(...one.mean), show: (one) => (Math.max(...one.mean) / 100).toFixed(2) },
    { title: "at epoch", key: "at", numeric: true, value: (one) => one.mean.indexOf(Math.max(...one.mean)) + 1, show: (one) => `${one.mean.indexOf(Math.max(...one.mean)) + 1}` },
    { title: "last epoch", key: "last", numeric: true, value: (one) => one.mean.at(-1), show: (one) => (one.mean.at(-1) / 100).toFixed(2) },
  ], series)));
}

// Cross-entropy and the three best of the setting, unless the reader chose.
function chosenCurves(methods, setting) {
  if (STATE.shown) return STATE.shown.split("|").filter(Boolean);
  const index = board().columns.findIndex((column) => column.setting === setting);
  const mean = (row) => row.cells[index]?.mean ?? -Infinity;
  const best = [...board().rows].filter((row) => methods.includes(row.name)).sort((a, b) => mean(b) - mean(a)).slice(0, 3).map((row) => row.name);
  return [...new Set([...[board().reference].filter((name) => methods.includes(name)), ...best, ...(best.length ? [] : methods.slice(0, 4))])];
}

function colourOf(name) {
  if (!COLOURS.has(name)) COLOURS.set(name, name === board().reference ? 0 : 1 + [...COLOURS.values()].filter((colour) => colour > 0).length % 9);
  return `var(--c${COLOURS.get(name)})`;
}

function summary(curves) {
  const length = Math.max(...curves.map((curve) => curve.length)), mean = [], low = [], high = [], epochs = [];
  for (let epoch = 0; epoch < length; epoch += 1) {
    const values = curves.map((curve) => curve[epoch]).filter((value) => value !== null && value !== undefined);
    if (!values.length) continue; // measured at some epochs alone
    epochs.push(epoch);
    mean.push(values.reduce((sum, value) => sum + value, 0) / values.length);
    low.push(Math.min(...values));
    high.push(Math.max(...values));
  }
  return { mean, low, high, epochs, n: curves.length };
}

function curveChart(series, place, words, setting) {
  const width = widthOf(place), height = Math.round(Math.min(430, Math.max(260, width * 0.42))), left = 46, right = 12, top = 22, bottom = 40;
  const low = Math.min(...series.flatMap((one) => one.low)), high = Math.max(...series.flatMap((one) => one.high)), room = (high - low) * 0.04 || 50;
  const last = Math.max(...series.map((one) => one.epochs.at(-1)));
  const x = scale(0, last || 1, left, width - right), y = scale(low - room, high + room, height - bottom, top);
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${words}, percent, in ${setting}: ${series.map((one) => one.name).join(", ")} over ${last + 1} epochs; the numbers are in the table below` });
  for (const tick of ticks((low - room) / 100, (high + room) / 100, 6)) {
    svg.append(drawing("line", { class: "grid", x1: left, x2: width - right, y1: y(100 * tick), y2: y(100 * tick) }),
      drawing("text", { class: "soft", x: left - 6, y: y(100 * tick) + 4, "text-anchor": "end" }, `${tick}`));
  }
  for (const tick of new Set([1, ...ticks(1, last + 1, width < 560 ? 4 : 10).filter(Number.isInteger)])) {
    svg.append(drawing("text", { class: "soft", x: x(tick - 1), y: height - 22, "text-anchor": "middle" }, `${tick}`));
  }
  svg.append(drawing("text", { class: "soft", x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, "epoch"), drawing("text", { class: "soft", x: 0, y: 12 }, `${words}, %`));
  for (const one of series) {
    const point = (values) => (value, index) => `${x(one.epochs[index]).toFixed(1)},${y(values[index]).toFixed(1)}`;
    const band = [...one.high.map(point(one.high)), ...one.low.map(point(one.low)).reverse()].join(" ");
    svg.append(drawing("g", {}, drawing("title", {}, one.name),
      one.n > 1 ? drawing("polygon", { class: "band", points: band, style: `fill:${colourOf(one.name)}` }) : null,
      drawing("polyline", { class: "curve", points: one.mean.map(point(one.mean)).join(" "), style: `stroke:${colourOf(one.name)}` })));
  }
  return element("figure", {}, svg, element("figcaption", {}, "Line: mean over replicates; band: from the lowest to the highest. Memorised and corrected are shares of the wrongly labelled training samples, measured before each update."));
}
