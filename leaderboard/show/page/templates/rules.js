// The same runs under every rule: whose place depends on who chooses the epoch.
function buildRules(place) {
  const { switched, winners } = view(), rules = Object.keys(DATA.rules);
  place.replaceChildren();
  if (!switched.length) return place.append(element("p", {}, "No method can be compared under every rule."));
  const moves = switched.map((row) => ({ name: row.name, by: row.places[DATA.primary] - row.places.oracle })).filter((row) => row.by).sort((a, b) => Math.abs(b.by) - Math.abs(a.by));
  place.append(element("p", { class: "lead" }, withCode(winners[0])),
    ...winners.slice(1).map((text) => element("p", { class: "more" }, withCode(text))),
    moves.length ? element("p", { class: "more" }, `If the test set chose the epoch, ${moves.slice(0, 3).map(({ name, by }) => `${name} would ${by > 0 ? "win" : "lose"} ${Math.abs(by)} place${Math.abs(by) > 1 ? "s" : ""}`).join(", ")}.`) : "");
  place.append(table("Mean accuracy in % and place under each rule; places won (+) or lost (−) against the rule that ranks", [
    { title: "method", key: "name", value: (row) => row.name, show: (row) => row.name },
    ...rules.map((rule) => ({ title: rule, hint: DATA.rules[rule], note: rule === DATA.primary ? "ranks" : rule === "oracle" ? "never ranks" : "", key: rule, numeric: true, value: (row) => row.means[rule] ?? null,
      show: (row) => row.means[rule] === undefined ? "—" : [percent(row.means[rule]), " · ", `${row.places[rule]}`, moved(row.places[DATA.primary] - row.places[rule])] })),
    { title: "oracle − ranked", note: "points", key: "gap", numeric: true, value: (row) => row.means.oracle - row.means[DATA.primary], show: (row) => signed(row.means.oracle - row.means[DATA.primary]) },
  ], switched));
}

const moved = (by) => by ? element("span", { class: by > 0 ? "good" : "bad" }, ` ${by > 0 ? "+" : "−"}${Math.abs(by)}`) : "";
