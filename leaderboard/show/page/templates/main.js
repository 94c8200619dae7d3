// Puts the sections together: what is near is built at once, the rest when the browser is idle, folded parts when opened.
const BUILD = { ranking: buildRanking, pair: buildPair, curves: buildCurves, cost: buildCost, rules: buildRules, settings: buildSettings, runs: buildRuns };
const BODIES = [...document.querySelectorAll("[data-build]")];
const STALE = new Set(BODIES);
const FORM = document.querySelector("form.filters");

function build(body) {
  if (!STALE.delete(body)) return;
  BUILD[body.dataset.build](body);
}

const opened = (body) => body.closest("details")?.open ?? true;
const near = (body) => { const { top, bottom } = body.parentElement.getBoundingClientRect(); return top < innerHeight * 1.3 && bottom > -innerHeight * 0.3; };
const idle = window.requestIdleCallback || ((work) => setTimeout(work, 50));

function buildLater() {
  const next = BODIES.find((body) => STALE.has(body) && opened(body));
  if (next) idle(() => { build(next); buildLater(); });
}

// Show what changed: one section, or all of them.
function changed(name) {
  writeAddress();
  for (const body of BODIES) if (!name || body.dataset.build === name) STALE.add(body);
  for (const body of BODIES) if (STALE.has(body) && opened(body) && (name || near(body))) build(body);
  buildLater();
}

function fillForm() {
  const rows = board().rows, some = (values) => [...new Set(values)].sort();
  const offers = {
    view: DATA.views.map((each, index) => [String(index), `${each.suite} · ${each.group}`]),
    rule: Object.entries(DATA.rules).map(([rule]) => [rule, rule]),
    by: [["", board().score], ...board().columns.filter((column) => column.setting !== board().score).map((column) => [column.setting, column.setting])],
    family: [["", "all"], ...some(rows.flatMap(familiesOf)).map((name) => [name, name])],
    noise: [["", "all"], ...some(board().columns.map((column) => column.noise)).map((name) => [name, name])],
    told: [["", "all"], ["nothing", "nothing beyond the labels"], ...some(rows.flatMap((row) => row.told)).map((name) => [name, name])],
  };
  for (const [name, pairs] of Object.entries(offers)) {
    if (!pairs.some(([value]) => value === STATE[name])) STATE[name] = pairs[0][0];
    FORM.elements[name].replaceChildren(...pairs.map(([value, words]) => new Option(words, value, false, value === STATE[name])));
    FORM.elements[name].parentElement.hidden = pairs.length < (name === "told" ? 3 : 2);
  }
  FORM.elements.q.value = STATE.q;
}

function clearFilters() {
  for (const name of ["q", "family", "noise", "told"]) STATE[name] = "";
  fillForm();
  changed();
}

FORM.addEventListener("input", (event) => {
  const name = event.target.name;
  if (!(name in DEFAULTS)) return;
  STATE[name] = event.target.value;
  if (name === "by") STATE.sort = "";
  if (name === "view") Object.assign(STATE, { ...DEFAULTS, view: STATE.view, rule: STATE.rule });
  if (name !== "q") fillForm();
  changed();
  say(`${visibleRows().length} of ${board().rows.length} methods shown`);
});
for (const details of document.querySelectorAll("details")) {
  details.addEventListener("toggle", () => { for (const body of details.querySelectorAll("[data-build]")) if (details.open) build(body); });
}
let wide = innerWidth;
addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; changed(); } });
addEventListener("hashchange", () => { readAddress(); fillForm(); changed(); });

readAddress();
fillForm();
changed();
