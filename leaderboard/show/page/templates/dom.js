// Elements from plain values. Text is only ever set as text, never as HTML.
function element(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

function drawing(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// As Python writes it in sentences and tables: a tie, which an odd number of eighths alone can be, goes to the even digit.
const rounded = (value) => Math.abs(8 * value % 2) === 1 ? 2 * Math.round(50 * value) / 100 : value;
const percent = (value) => rounded(value).toFixed(2).replace("-0.00", "0.00");
// A mean and half of its interval, or the ends where that is cut to 0..100: as Python writes it, `results/interval.py`.
function meanText({ mean, half }) {
  if (half === null) return percent(mean);
  const [low, high] = [mean - half, mean + half];
  if (low >= 0 && high <= 100) return `${percent(mean)} ± ${percent(half)}`;
  const end = (value) => half >= 1 || value === 0 || value === 100 ? `${Math.floor(value + 0.5)}` : percent(value);
  return `${percent(mean)} [${end(Math.max(0, low))}, ${end(Math.min(100, high))}]`;
}
// Differences of two such means are cut to -100..100.
const possible = (difference) => Math.max(-100, Math.min(100, difference));
function differenceText({ difference, half }) {
  if (half == null) return signed(difference);
  const [low, high] = [difference - half, difference + half], end = (value) => Math.abs(value) > 100 ? `${value < 0 ? "−" : "+"}100` : signed(value);
  return low < -100 || high > 100 ? `${signed(difference)} [${end(low)}, ${end(high)}]` : `${signed(difference)} ± ${percent(half)}`;
}
const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + percent(Math.abs(value));
const probability = (value) => value < 0.001 ? "< 0.001" : value.toPrecision(2);
const pEquals = (value) => value < 0.001 ? "p < 0.001" : `p = ${value.toPrecision(2)}`;
const chanceOf = (value) => value > 0.99 ? "> 99 %" : value < 0.01 ? "< 1 %" : `${Math.round(100 * value)} %`;
const number = (value, digits = 3) => value === null ? "—" : Number(value.toPrecision(digits)).toLocaleString("en");
const withCode = (text) => text.split("`").map((part, index) => index % 2 ? element("code", {}, part) : part);
const say = (text) => { document.getElementById("said").textContent = text; };

function copyable(text) {
  const button = element("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // a page from a disk may have no clipboard: select the text instead
      getSelection().selectAllChildren(button.previousSibling);
      document.execCommand("copy");
    }
    button.textContent = "copied";
    say("copied");
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  } }, "copy");
  return element("div", { class: "command" }, element("code", {}, text), button);
}
