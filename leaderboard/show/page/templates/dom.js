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
