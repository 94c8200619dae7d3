"use strict";
// Sorts tables, shows what the filters choose, and draws curves. Text is only ever set as text, never as HTML.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = document.querySelector("form.filters");
  const chosen = () => Object.fromEntries(new FormData(form));

  function sortable(table) {
    for (const head of all("thead th", table)) {
      const button = document.createElement("button");
      button.type = "button";
      const label = [...head.childNodes].filter((node) => node.nodeName !== "SMALL");
      head.insertBefore(button, head.firstChild);
      button.append(...label);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sort(table, head));
    }
  }

  function sort(table, head) {
    const column = [...head.parentNode.children].indexOf(head);
    const first = head.dataset.start || (head.classList.contains("n") ? "descending" : "ascending");
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const each of head.parentNode.children) each.setAttribute("aria-sort", each === head ? order : "none");
    const sign = order === "ascending" ? 1 : -1;
    const key = (row) => {
      const cell = row.children[column];
      if (!("value" in cell.dataset)) return cell.textContent.trim();
      return cell.dataset.value === "" ? null : Number(cell.dataset.value);
    };
    const keyed = all("tbody tr", table).map((row) => [key(row), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // what is missing stays last
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    });
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  }

  function available() { // suites differ between tracks and lengths
    const { group } = chosen();
    const there = new Set(all(".block").filter((b) => b.dataset.group === group).map((b) => b.dataset.suite));
    const select = form.elements.suite;
    for (const option of select.options) option.hidden = option.disabled = !there.has(option.value);
    if (select.selectedOptions[0].disabled) select.value = [...select.options].find((option) => !option.disabled).value;
  }

  function filter() {
    available();
    const { group, suite, rule, noise, told } = chosen();
    for (const block of all(".block")) {
      block.hidden = block.dataset.group !== group || block.dataset.suite !== suite || block.dataset.rule !== rule;
    }
    const hidden = (element) => {
      const its = element.dataset;
      return (noise !== "all" && "noise" in its && its.noise !== noise)
        || (told !== "all" && "told" in its && its.told !== "0")
        || ("suite" in its && its.suite !== suite)
        || ("group" in its && its.group !== group);
    };
    for (const element of all("[data-noise], [data-told]")) element.hidden = hidden(element);
    document.getElementById("shown").textContent =
      `Shown: ${suite}, ${group}, rule ${rule}.`;
    curveChoices();
  }

  const data = JSON.parse(document.getElementById("curve-data").textContent);
  const curveForm = document.getElementById("curve-choice");
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const fill = (select, pairs) => {
    const before = select.value;
    select.replaceChildren(...pairs.map(([value, words]) => new Option(words, value)));
    if (pairs.some(([value]) => value === before)) select.value = before;
  };
  const visible = () => {
    const { group, suite, noise, told } = chosen();
    return data.runs.filter(([g, d, n, , , , knows]) => g === group && d === suite
      && (noise === "all" || n === noise) && !(told !== "all" && knows));
  };

  function curveChoices() {
    const runs = visible();
    fill(curveForm.elements.setting, [...new Set(runs.map((run) => run[3]))].map((name) => [name, name]));
    fill(curveForm.elements.quantity, data.quantities);
    const methods = [...new Set(runs.map((run) => run[4]))];
    fill(curveForm.elements.method, [["", "all"], ...methods.map((name) => ["=" + name, name])]);
    draw();
  }

  function draw() {
    const choice = Object.fromEntries(new FormData(curveForm));
    const index = data.quantities.findIndex(([name]) => name === choice.quantity);
    const here = visible().filter((run) => run[3] === choice.setting);
    const methods = [...new Set(here.map((run) => run[4]))];
    const runs = here.filter((run) => (!choice.method || "=" + run[4] === choice.method)
      && run[7][index].some((value) => value !== null));
    const values = runs.flatMap((run) => run[7][index]).filter((value) => value !== null);
    const target = document.getElementById("curves");
    const numbers = document.getElementById("curve-numbers");
    numbers.replaceChildren();
    if (!values.length) {
      target.textContent = "Nothing was measured here.";
      return;
    }
    const [width, height, left, top, bottom] = [360, 240, 38, 8, 22];
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const room = (high - low) * 0.05 || 50;
    const epochs = Math.max(...runs.map((run) => run[7][index].length));
    const x = (epoch) => left + (width - left - 8) * (epochs > 1 ? epoch / (epochs - 1) : 0.5);
    const y = (value) => height - bottom - (height - top - bottom) * (value - low + room) / (high - low + 2 * room);
    const words = `${data.quantities[index][1]}, percent, in ${choice.setting}`;
    const svg = make("svg", { class: "diagram", viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `${words}: ${runs.length} runs over ${epochs} epochs; the numbers are in the table below` });
    const least = (high - low + 2 * room) / 6, power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((width) => width >= least);
    const digits = Math.max(0, -Math.floor(Math.log10(step / 100)));
    for (let value = Math.ceil((low - room) / step) * step; value <= high + room; value += step) {
      svg.append(make("line", { class: "grid", x1: left, x2: width - 8, y1: y(value), y2: y(value) }),
        make("text", { x: left - 4, y: y(value) + 4, "text-anchor": "end" }, (value / 100).toFixed(digits)));
    }
    for (const epoch of new Set([0, Math.floor((epochs - 1) / 2), epochs - 1])) {
      svg.append(make("text", { x: x(epoch), y: height - 6, "text-anchor": "middle" }, epoch + 1));
    }
    const colour = (method) => `var(--c${methods.indexOf(method) % 10})`;
    const dash = (method) => ["", "6 3", "2 3", "8 3 2 3"][Math.floor(methods.indexOf(method) / 10) % 4];
    for (const run of runs) {
      const curve = run[7][index];
      const points = curve.map((value, epoch) => value === null ? null : `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`);
      const line = make("polyline", { class: "curve", points: points.filter(Boolean).join(" ") });
      line.style.stroke = colour(run[4]);
      line.style.strokeDasharray = dash(run[4]);
      line.append(make("title", {}, `${run[4]}, replicate ${run[5]}`));
      svg.append(line);
      const known = curve.filter((value) => value !== null);
      const best = known.reduce((a, b) => Math.max(a, b));
      const row = numbers.insertRow();
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = run[4];
      row.append(head);
      for (const cell of [run[5], (known[0] / 100).toFixed(2), (best / 100).toFixed(2), curve.indexOf(best) + 1,
        (known[known.length - 1] / 100).toFixed(2)]) {
        const td = row.insertCell();
        td.className = "n";
        td.textContent = cell;
      }
    }
    const legend = document.createElement("ul");
    legend.className = "legend";
    for (const method of new Set(runs.map((run) => run[4]))) {
      const item = document.createElement("li"), mark = document.createElement("i");
      mark.style.borderTopColor = colour(method);
      if (dash(method)) mark.style.borderTopStyle = "dashed";
      item.append(mark, method);
      legend.append(item);
    }
    target.replaceChildren(svg, legend);
  }

  all("table.sortable").forEach(sortable);
  for (const section of all(".needs-script")) section.hidden = false;
  form.addEventListener("change", filter);
  curveForm.addEventListener("change", draw);
  for (const each of [form, curveForm]) each.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
