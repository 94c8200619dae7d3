// The board: what it says in a sentence, the ranked intervals, and the table.
function buildRanking(place) {
  const rows = visibleRows(), ranked = rows.filter((row) => cellOf(row));
  place.replaceChildren();
  if (!rows.length) {
    place.append(element("p", {}, "No method is left by the filters. ", element("button", { type: "button", onclick: clearFilters }, "Clear them")));
    return;
  }
  place.append(...sentences());
  if (ranked.length) place.append(intervals(ranked, place));
  place.append(boardTable(rows));
  if (board().notes.length) place.append(element("ul", { class: "notes" }, board().notes.map((note) => element("li", {}, note))));
}

// Of the whole board its own sentences; of one setting the same in short.
function sentences() {
  if (!STATE.by || columnIndex() < 0) {
    return board().sentences.map((text, index) => element("p", { class: index ? "more" : "lead" }, withCommands(text)));
  }
  const rows = board().rows.filter((row) => cellOf(row)).sort((a, b) => cellOf(b).mean - cellOf(a).mean);
  if (!rows.length) return [];
  const [first, ...others] = rows, cell = cellOf(first);
  const could = others.filter((row) => cellOf(row).best).map((row) => row.name);
  const text = [" is first in ", STATE.by, ` (${meanText(cell)})`,
    cell.rank === null ? "; an order, not a result: nothing was compared."
      : could.length ? `; it could also be ${could.join(", ")}.` : "; no other method could be best."];
  return [element("p", { class: "lead" }, element("b", {}, first.name), ...text)];
}

// What stands between backticks is a command.
const withCommands = (text) => text.split("`").map((part, index) => index % 2 ? copyable(part) : part);

function intervals(rows, place) {
  const width = widthOf(place), line = rows.length > 24 ? 17 : 20, phone = width < 560;
  const left = phone ? 118 : 190, right = phone ? 46 : 64, top = 22, height = top + rows.length * line + 30;
  const ends = rows.map((row) => { const { mean, half } = cellOf(row); return [Math.max(0, mean - (half || 0)), Math.min(100, mean + (half || 0))]; });
  const reference = rows.find((row) => row.name === board().reference);
  const low = mostly(ends.map(([end]) => end)), high = Math.max(...ends.map(([, end]) => end));
  const room = (high - low) * 0.03 || 0.5;
  const x = scale(low - room, Math.min(100, high + room), left, width - right);
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Ranked intervals of ${rows.length} methods, ${scoreName()}, in percent; the numbers are in the table below` });
  for (const tick of ticks(low - room, Math.min(100, high + room), phone ? 4 : 8)) {
    svg.append(drawing("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top - 4, y2: height - 26 }),
      drawing("text", { class: "soft", x: x(tick), y: height - 12, "text-anchor": "middle" }, `${tick}`));
  }
  svg.append(drawing("text", { class: "soft", x: left, y: 12 }, fitted(`accuracy, %, ${scoreName()}`, width - left - 40)),
    drawing("text", { class: "soft", x: width, y: 12, "text-anchor": "end" }, "rank"));
  if (reference) {
    const at = x(cellOf(reference).mean);
    if (at >= left) svg.append(drawing("line", { class: "zero", x1: at, x2: at, y1: top - 4, y2: height - 26 }, drawing("title", {}, reference.name)));
  }
  rows.forEach((row, index) => {
    const cell = cellOf(row), y = top + index * line + line / 2, [from, to] = ends[index], off = x(to) < left;
    const words = `${row.name}: ${meanText(cell)}`
      + (cell.rank ? `, rank ${rankOf(cell)}` : "") + `, n = ${cell.n}`;
    const clip = (value) => Math.max(left, x(value));
    svg.append(drawing("g", { class: cell.best ? "best" : null, onclick: () => toggleRow(row.name) },
      drawing("rect", { class: "hit", x: 0, y: y - line / 2, width, height: line }), drawing("title", {}, words),
      drawing("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, fitted(row.name, left - 10)),
      off ? drawing("text", { class: "soft", x: left, y: y + 4 }, `‹ ${percent(cell.mean)}`)
        : [cell.half === null ? null : drawing("line", { class: "span", x1: clip(from), x2: x(to), y1: y, y2: y }),
          x(cell.mean) >= left && drawing("circle", { cx: x(cell.mean), cy: y, r: 4 })],
      drawing("text", { x: width, y: y + 4, "text-anchor": "end" }, rankOf(cell))));
  });
  return element("figure", {}, svg, element("figcaption", {}, "Blue could be best. The line is the 95 % interval",
    reference ? `, dotted is ${reference.name}` : "", "; a rank range holds the true rank with 95 % confidence."));
}

const rankOf = (cell) => !cell?.rank ? "" : cell.rank[0] === cell.rank[1] ? `${cell.rank[0]}` : `${cell.rank[0]}–${cell.rank[1]}`;
const flagsOf = (cell, usual) => (usual && cell.n !== usual ? ` n=${cell.n}` : "") + (cell.diverged ? ` !${cell.diverged}` : "") + (cell.same ? " =" : "");
const marked = (mark) => element("span", { class: `mark ${mark === "+" ? "good" : mark === "−" ? "bad" : "soft"}`,
  title: { "+": "better than the reference", "−": "worse than the reference", "·": "cannot be told apart from the reference yet" }[mark] }, mark || "\u00a0");

function boardTable(rows) {
  const means = rows.map((row) => cellOf(row)?.mean).filter((mean) => mean !== undefined);
  const low = mostly(means), high = Math.max(...means);
  const share = (mean) => `${Math.max(2, Math.min(100, 100 * (mean - low) / (high - low || 1))).toFixed(0)}%`;
  const columns = [
    { title: "method", key: "method", value: (row) => row.name, show: (row) => [
      element("button", { type: "button", "aria-expanded": String(STATE.open === row.name), title: "where it comes from, and how to make this row",
        onclick: () => toggleRow(row.name) }, cellOf(row)?.best ? element("span", { class: "dot", "aria-label": "could be best" }, "● ") : "", row.name),
      row.told.length ? element("small", { class: "soft" }, ` told ${row.told.join(", ")}`) : "",
      row.state ? element("small", { class: "soft" }, ` ${row.state}`) : ""] },
    { title: board().columns.some((column) => column.setting === scoreName()) ? "mean" : scoreName(), note: "mean ± half", key: "mean", numeric: true, value: (row) => cellOf(row)?.mean ?? null,
      kind: (row) => cellOf(row)?.best && "is-best", show: (row) => accuracy(cellOf(row), share) },
    { title: "gap", note: "to the first", key: "gap", numeric: true, first: "ascending", value: (row) => cellOf(row)?.gap ? -cellOf(row).gap[0] : null,
      show: (row) => cellOf(row)?.rank && !cellOf(row).gap ? "first" : gapOf(cellOf(row)) },
    { title: "rank", note: "range", key: "rank", numeric: true, first: "ascending", value: (row) => cellOf(row)?.rank?.[0] ?? null, show: (row) => rankOf(cellOf(row)) },
    { title: `vs ${board().reference || "—"}`, key: "against", numeric: true, value: (row) => cellOf(row)?.against?.[0] ?? null,
      show: (row) => cellOf(row)?.against ? [signed(cellOf(row).against[0]), " ", marked(cellOf(row).mark)] : "" },
    ...visibleColumns().filter(([column]) => column.setting !== STATE.by).map(([column, index]) => ({
      title: column.short + (board().columns.filter((each) => each.short === column.short).length > 1 ? ` (${column.setting})` : ""),
      note: `n = ${column.n}${STATE.rule === DATA.primary && !column.guaranteed ? " †" : ""}${column.counted ? "" : ", not counted"}`,
      hint: column.setting, key: column.setting, numeric: true, value: (row) => row.cells[index]?.mean ?? null,
      kind: (row) => row.cells[index]?.best && "is-best",
      show: (row) => { const cell = row.cells[index]; return cell ? element("span", { title: titleOf(cell) }, cell.best ? "●" : "", percent(cell.mean), flagsOf(cell, column.n), marked(cell.mark)) : "—"; },
    })),
    ...(board().rows.some((row) => row.checked) ? [{ title: "checked", key: "checked", kind: () => "checked", value: (row) => row.checked, show: (row) => row.checked }] : []),
  ];
  return table(`Accuracy in %, ${scoreName()}; ${rows.length} of ${board().rows.length} methods, rule ${STATE.rule}: ${DATA.rules[STATE.rule]}${board().standing ? `; every row ${board().standing}` : ""}`, columns, rows,
    { remember: true, kind: (row) => row.score || cellOf(row) ? "" : "below", under: (row) => STATE.open === row.name ? aboutRow(row, columns.length) : null });
}

const accuracy = (cell, share) => cell ? element("span", { title: titleOf(cell) }, meanText(cell),
  flagsOf(cell), element("span", { class: "bar", style: `--share:${share(cell.mean)}` })) : "—";
const gapOf = (cell) => !cell?.gap ? "" : [percent(cell.gap[0]).replace("-", "−"), cell.gap[1] ? element("span", { class: "soft", title: "practically equal to the first" }, " ≈") : ""];
const titleOf = (cell) => [meanText(cell), `n = ${cell.n}`, cell.rank ? `rank ${rankOf(cell)}` : "",
  cell.against ? `${signed(cell.against[0])} against the reference, ${pEquals(cell.against[1])} (Holm over ${cell.against[2]})` : "",
  cell.chance !== null ? `chance of being first ${chanceOf(cell.chance)}` : "", cell.diverged ? `${cell.diverged} diverged` : ""].filter(Boolean).join(", ");

function toggleRow(name) {
  STATE.open = STATE.open === name ? "" : name;
  changed("ranking");
  document.querySelector("tr.about")?.scrollIntoView({ block: "nearest" });
}

function aboutRow(row, span) {
  const other = board().rows.find((each) => each.name !== row.name && each.name === board().reference) || board().rows.find((each) => each.name !== row.name);
  const known = row.about.map((part) => element("div", {},
    element("p", {}, element("b", {}, part.name), part.idea ? `: ${part.idea} ` : " ", part.family ? element("span", { class: "soft" }, `(${part.family}) `) : "",
      part.paper_url ? [element("a", { href: part.paper_url }, part.paper || "paper"), " "] : part.paper ? `${part.paper} ` : "",
      part.code_url ? element("a", { href: part.code_url }, "code") : ""),
    part.formula && element("pre", {}, part.formula)));
  const runs = of(later("run-data")).filter((run) => run[4] === row.name && run[8]);
  return element("tr", { class: "about" }, element("td", { colspan: span }, element("div", {}, known,
    element("p", { class: "soft" }, element("code", {}, row.text.join("; ")), ` · told beyond the labels: ${row.told.join(", ") || "nothing"}`,
      ` · ${row.networks} network${row.networks > 1 ? "s" : ""}`, row.host ? ` · read off the runs of ${row.host}` : "",
      cellOf(row)?.chance != null ? ` · chance of being first ${chanceOf(cellOf(row).chance)}` : ""),
    row.command ? [element("p", { class: "soft" }, "Make this row again:"), copyable(row.command)] : "",
    other && element("button", { type: "button", onclick: () => { STATE.pair = `${row.name}|${other.name}`; changed("pair"); document.getElementById("pair").scrollIntoView(); } },
      `compare with ${other.name}`),
    runs.length ? element("p", {}, "Runs in MLflow: ", runs.map((run) => [element("a", { href: run[8] }, `${run[2]} s${run[5]}`), " "])) : "")));
}
