// Every run of the view with its scores, and where it is in MLflow.
function buildRuns(place) {
  const rules = Object.keys(DATA.rules), kept = new Set(visibleRows().map((row) => row.name));
  const runs = of(later("run-data")).filter((run) => kept.has(run[4]) && (!STATE.noise || run[3] === STATE.noise));
  const most = 500, linked = runs.some((run) => run[8]);
  place.replaceChildren(table(`${runs.length} runs, accuracy in % under each rule${runs.length > most ? `; the first ${most} are shown: search above for others` : ""}. \`lnlbench reproduce KEY\` makes one again and says whether it is the same`, [
    { title: "method", key: "method", value: (run) => run[4], show: (run) => run[4] },
    { title: "setting", key: "setting", value: (run) => run[2], show: (run) => run[2] },
    { title: "replicate", key: "replicate", numeric: true, value: (run) => run[5], show: (run) => `${run[5]}${run[6] ? " diverged" : ""}` },
    ...rules.map((rule, index) => ({ title: rule, key: rule, numeric: true, value: (run) => run[9 + index], show: (run) => percent(run[9 + index]) })),
    { title: "key", key: "key", value: (run) => run[7], show: (run) => element("code", { title: `lnlbench reproduce ${run[7].slice(0, 12)}` }, run[7].slice(0, 12)) },
    ...(linked ? [{ title: "MLflow", key: "link", value: (run) => run[8], show: (run) => run[8] ? element("a", { href: run[8] }, "open") : "" }] : []),
  ], runs.slice(0, most)));
}
