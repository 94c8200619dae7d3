// Tables from columns and rows: each column says how a cell is shown and by what it sorts.
// A column: {title, note?, key, numeric?, value(row), show(row), first?: "ascending"}; `state` keeps the order in the address.
function table(caption, columns, rows, { remember = false, under = () => null, kind = () => "" } = {}) {
  let [sorted, direction] = remember && STATE.sort ? STATE.sort.split(" ") : ["", ""];
  const body = element("tbody"), heads = new Map();
  const fill = () => {
    const column = columns.find((each) => each.key === sorted);
    const ordered = column ? [...rows].sort((a, b) => compare(column.value(a), column.value(b), direction)) : rows;
    body.replaceChildren(...ordered.flatMap((row) => [element("tr", { class: kind(row) || null }, columns.map((each, index) =>
      element(index ? "td" : "th", { scope: index ? null : "row", class: classes(each, row) }, each.show(row)))), under(row)].filter(Boolean)));
    for (const [key, head] of heads) head.setAttribute("aria-sort", key === sorted ? direction : "none");
  };
  const head = element("tr", {}, columns.map((column) => {
    const button = element("button", { type: "button", onclick: () => {
      const first = column.first || (column.numeric ? "descending" : "ascending");
      const other = first === "ascending" ? "descending" : "ascending";
      direction = sorted === column.key && direction === first ? other : first;
      sorted = column.key;
      if (remember) {
        STATE.sort = `${sorted} ${direction}`;
        writeAddress();
      }
      fill();
      say(`sorted by ${column.title}, ${direction}`);
    } }, column.title);
    const cell = element("th", { scope: "col", class: column.numeric ? "n" : null, "aria-sort": "none", title: column.hint }, button,
      column.note && element("small", {}, column.note));
    heads.set(column.key, cell);
    return cell;
  }));
  fill();
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, element("span", {}, caption)), element("thead", {}, head), body));
}

const classes = (column, row) => [column.numeric && "n", column.kind?.(row)].filter(Boolean).join(" ") || null;

function compare(a, b, direction) {
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? null) === null ? ((b ?? null) === null ? 0 : 1) : -1; // what is missing stays last
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return direction === "ascending" ? order : -order;
}

const folded = (title, build) => {
  const details = element("details", {}, element("summary", {}, title));
  details.addEventListener("toggle", () => { if (details.open && !details.built) details.append(details.built = build()); });
  return details;
};
