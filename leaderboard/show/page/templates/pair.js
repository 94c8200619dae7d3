// Two methods beside each other: difference, interval and p in every setting and over all.
function buildPair(place) {
  const names = board().rows.map((row) => row.name);
  const [first, second] = chosenPair(names);
  place.replaceChildren();
  if (!second) return place.append(element("p", {}, "There is only one method here."));
  const pick = (which, now) => element("label", {}, which, element("select", { onchange: (event) => {
    STATE.pair = which === "is" ? `${event.target.value}|${second}` : `${first}|${event.target.value}`;
    changed("pair");
  } }, names.map((name) => element("option", { value: name, selected: name === now }, name))));
  place.append(element("div", { class: "choice" }, pick("is", first), pick("better than", second),
    element("button", { type: "button", onclick: () => { STATE.pair = `${second}|${first}`; changed("pair"); } }, "swap")));
  const [a, b] = [first, second].map((name) => board().rows.find((row) => row.name === name));
  const lines = [[board().score, a.score, b.score, board().tests],
    ...visibleColumns().map(([column, index]) => [column.setting, a.cells[index], b.cells[index], column.tests])]
    .filter(([name], index) => index === 0 ? board().columns.filter((column) => column.counted).length > 1 : name)
    .filter(([, x, y]) => x && y).map(([name, x, y, tests]) => ({ name, x, y, ...between(tests, first, second), difference: x.mean - y.mean }));
  if (!lines.length) return place.append(element("p", {}, `${first} and ${second} have no setting in common.`));
  place.append(element("p", { class: "lead" }, element("b", {}, first), verdictOf(lines[0], second)));
  place.append(forest(lines, place, first));
  const pairs = [...new Set(lines.map((line) => line.family).filter(Boolean))];
  const over = pairs.length === 1 ? pairs[0].toLocaleString("en") : "all";
  place.append(table(`${first} against ${second}, in percentage points; a test of one pair, and Holm over all pairs of the column. The chance is the share of the difference's t distribution above 0: a description, no test`, [
    { title: "setting", key: "name", value: (line) => line.name, show: (line) => line.name },
    { title: first, key: "x", numeric: true, value: (line) => line.x.mean, show: (line) => percent(line.x.mean) },
    { title: second, key: "y", numeric: true, value: (line) => line.y.mean, show: (line) => percent(line.y.mean) },
    { title: "difference", note: "95 % interval", key: "difference", numeric: true, value: (line) => line.difference,
      show: (line) => differenceText(line) },
    { title: "p", note: "this pair", key: "p", numeric: true, first: "ascending", value: (line) => line.p ?? null, show: (line) => line.p == null ? "—" : probability(line.p) },
    { title: `p, Holm over ${over} pairs`, key: "holm", numeric: true, first: "ascending", value: (line) => line.holm ?? null, show: (line) => line.holm == null ? "—" : probability(line.holm) + (pairs.length > 1 ? ` of ${line.family.toLocaleString("en")}` : "") },
    { title: "chance", note: `${first} is truly higher`, key: "chance", numeric: true, value: (line) => line.chance ?? null, show: (line) => line.chance == null ? "—" : chanceOf(line.chance) },
  ], lines));
}

function chosenPair(names) {
  const [a, b] = STATE.pair.split("|");
  const first = names.includes(a) ? a : names[0];
  const reference = board().reference;
  return [first, names.includes(b) && b !== first ? b : names.find((name) => name === reference && name !== first) || names.find((name) => name !== first)];
}

// Of the pairs i < j in the order of the column's names: half-width, p, p after Holm, chance that i is higher.
function between(tests, first, second) {
  const [i, j] = tests ? [tests.names.indexOf(first), tests.names.indexOf(second)] : [-1, -1];
  if (i < 0 || j < 0 || i === j) return {};
  const [low, high] = [Math.min(i, j), Math.max(i, j)], count = tests.names.length;
  const [half, p, holm, chance] = tests.pairs[low * count - low * (low + 1) / 2 + high - low - 1];
  return { half, p, holm, chance: i < j ? chance : 1 - chance, family: tests.pairs.length };
}

function verdictOf(line, second) {
  const way = line.difference >= 0 ? "above" : "below", size = `${Math.abs(line.difference).toFixed(2)} points ${way} ${second} (${line.name}`;
  if (line.p == null) return ` is ${size}); an order, not a result: nothing was compared.`;
  const interval = line.half == null ? "" : `; 95 % interval ${signed(possible(line.difference - line.half))} to ${signed(possible(line.difference + line.half))}`;
  const p = `; ${pEquals(line.p)}`;
  if (line.holm < 0.05) return ` is ${size}${interval}${p}): surely ${way}, also among all ${line.family.toLocaleString("en")} pairs.`;
  if (line.p < 0.05) return ` is ${size}${interval}${p}): told apart if this is the one pair you ask about, not yet among all ${line.family.toLocaleString("en")}.`;
  return ` is ${size}${interval}${p}): they cannot be told apart yet.`;
}

function forest(lines, place, first) {
  const width = widthOf(place), phone = width < 560, left = phone ? 120 : 220, top = 20, line = 22, height = top + lines.length * line + 28;
  const ends = lines.flatMap(({ difference, half }) => [possible(difference - (half || 0)), possible(difference + (half || 0))]);
  const low = Math.min(0, ...ends), high = Math.max(0, ...ends), room = (high - low) * 0.05 || 0.5;
  const x = scale(low - room, high + room, left, width - 10);
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Differences in ${lines.length} rows; the numbers are in the table below` });
  for (const tick of ticks(low - room, high + room, phone ? 4 : 8)) {
    svg.append(drawing("line", { class: tick === 0 ? "zero" : "grid", x1: x(tick), x2: x(tick), y1: top - 6, y2: height - 24 }),
      drawing("text", { class: "soft", x: x(tick), y: height - 10, "text-anchor": "middle" }, `${tick}`));
  }
  lines.forEach(({ name, difference, half, holm }, index) => {
    const y = top + index * line + 8;
    svg.append(drawing("g", { class: holm < 0.05 ? "best" : null }, drawing("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, fitted(phone ? name.split("/").pop() : name, left - 10)),
      half == null ? null : drawing("line", { class: "span", x1: x(possible(difference - half)), x2: x(possible(difference + half)), y1: y, y2: y }),
      drawing("circle", { cx: x(difference), cy: y, r: 4 })));
  });
  return element("figure", {}, svg, element("figcaption", {}, `Right of 0, ${first} is higher. Blue is decided among all pairs.`));
}
