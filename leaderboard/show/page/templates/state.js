// What the reader chose, kept in the address so that a link shows the same.
const DATA = JSON.parse(document.getElementById("data").textContent);
const KNOWN = new Map();
const later = (id) => { // large data are parsed when a section first needs them
  if (!KNOWN.has(id)) KNOWN.set(id, JSON.parse(document.getElementById(id).textContent));
  return KNOWN.get(id);
};

const DEFAULTS = { view: String(DATA.start), rule: DATA.rule, by: "", q: "", family: "", noise: "", told: "",
  sort: "", open: "", pair: "", curve: "", quantity: DATA.quantities[0][0], shown: "" };
const STATE = { ...DEFAULTS };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(DEFAULTS)) STATE[name] = given.get(name) ?? DEFAULTS[name];
  if (!DATA.views[STATE.view]) STATE.view = DEFAULTS.view;
  if (!(STATE.rule in DATA.rules)) STATE.rule = DEFAULTS.rule;
}

function writeAddress() {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(STATE)) if (value !== DEFAULTS[name]) words.set(name, value);
  const text = words.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

const view = () => DATA.views[STATE.view];
const board = () => view().boards[STATE.rule];
const columnIndex = () => board().columns.findIndex((column) => column.setting === STATE.by);
const cellOf = (row) => STATE.by && columnIndex() >= 0 ? row.cells[columnIndex()] : row.score;
const testsOf = () => STATE.by && columnIndex() >= 0 ? board().columns[columnIndex()].tests : board().tests;
const scoreName = () => STATE.by && columnIndex() >= 0 ? STATE.by : board().score;
const familiesOf = (row) => row.about.map((part) => part.family).filter(Boolean);
const of = (rows) => rows.filter((row) => row[0] === view().suite && row[1] === view().group);

// Rows that the filters leave, in the order of the board, or of the setting that orders it.
function visibleRows() {
  const wanted = STATE.q.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const rows = board().rows.filter((row) => (!wanted.length || wanted.some((word) => row.name.toLowerCase().includes(word)))
    && (!STATE.family || familiesOf(row).includes(STATE.family))
    && (!STATE.told || (STATE.told === "nothing" ? !row.told.length : row.told.includes(STATE.told))));
  if (!STATE.by || columnIndex() < 0) return rows;
  const mean = (row) => cellOf(row)?.mean ?? -Infinity;
  return [...rows].sort((a, b) => mean(b) - mean(a));
}

// With their places in the rows' cells; those that make the order come first.
const visibleColumns = () => board().columns.map((column, index) => [column, index])
  .filter(([column]) => !STATE.noise || column.noise === STATE.noise)
  .sort(([a], [b]) => b.counted - a.counted);
