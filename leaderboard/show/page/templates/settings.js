// What each setting is: its noise, and what its validation labels can tell.
function buildSettings(place) {
  const share = (value) => value === null ? "—" : `${(100 * value).toFixed(1)} %`;
  place.replaceChildren(table("Noise, replicates, and how far apart two epochs must be for noisy validation to see it (resolution, in points)", [
    { title: "setting", key: "setting", value: (column) => column.setting, show: (column) => [
      element("button", { type: "button", title: "order the board by this setting", onclick: () => { STATE.by = column.setting; changed(); document.getElementById("ranking").scrollIntoView(); } }, column.setting), column.counted ? "" : " (not counted)"] },
    { title: "first", key: "first", value: (column) => column.tests?.names[0] ?? "", show: (column) => column.tests?.names[0] ?? "—" },
    { title: "could be best", key: "best", numeric: true, value: bestIn, show: (column) => `${bestIn(column) || "—"}` },
    { title: "nominal rate", key: "nominal", numeric: true, value: (column) => column.nominal, show: (column) => share(column.nominal) },
    { title: "realised rate", key: "realised", numeric: true, value: (column) => column.realised, show: (column) => share(column.realised) },
    { title: "replicates", key: "n", numeric: true, value: (column) => column.n, show: (column) => `${column.n}` },
    { title: "resolution", key: "resolution", numeric: true, first: "ascending", value: (column) => column.resolution, show: (column) => (column.resolution === null ? "—" : column.resolution.toFixed(2)) + (column.guaranteed ? "" : " †") },
  ], visibleColumns().map(([column]) => column)));
}

const bestIn = (column) => board().rows.filter((row) => row.cells[board().columns.indexOf(column)]?.best).length;
