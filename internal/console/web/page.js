// What all sections make pages with: elements, numbers with units, times.

const SVG = "http://www.w3.org/2000/svg";

function fill(e, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name === "cls" ? "class" : name, value === true ? "" : value);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

/** An element with attributes, listeners (onclick, …) and children. What is text stays text. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
export const $ = (id) => document.getElementById(id);

/** Puts text where it is not yet: what does not change is not painted again, nor read out. */
export function say(e, text) { if (e.textContent !== text) e.textContent = text; }

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

export const count = (n) => whole.format(n);
export const compact = (n) => (Math.abs(n) < 100_000 ? (n > 0 && n < 9.95 && n % 1 ? n.toFixed(1) : whole.format(n)) : short.format(n));
export const brief = (n) => short.format(n);
export const rate = (n) => `${compact(n)}/s`;

export function bytes(n) {
  let unit = 0;
  for (; n >= 1023.5 && unit < BYTES.length - 1; unit++) n /= 1024;
  return `${unit === 0 || n >= 99.95 ? Math.round(n) : n.toFixed(1)} ${BYTES[unit]}`;
}

/** Seconds as a duration between microseconds and days. */
export function seconds(s) {
  if (s === 0) return "0 ms";
  if (s < 0.001) return `${Math.round(s * 1e6)} µs`;
  if (s < 1) return `${(s * 1e3).toFixed(s < 0.01 ? 1 : 0)} ms`;
  if (s < 60) return `${Math.round(s * 10) / 10} s`;
  const parts = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const first = parts.findIndex(([, size]) => s >= size);
  return parts.slice(first, first + 2).map(([unit, size], i) => {
    const n = Math.floor(i === 0 ? s / size : (s % parts[first][1]) / size);
    return n > 0 || i === 0 ? `${n} ${unit}` : "";
  }).join(" ").trim();
}

export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

const SHOWN = 10_000; // characters: lists of messages stay long enough for a page that is open for days

/** A publication's data as text, cut where it is too long to be read. */
export function dataText(data) {
  if (data instanceof Uint8Array) return `${count(data.length)} bytes`;
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${count(text.length)} characters)` : text;
}

/** The head of a section: its title, which gets the focus, and what stands beside it. */
export const head = (title, ...beside) => h("div", { cls: "head" }, h("h1", { tabindex: -1 }, title), ...beside);

export const none = (text) => h("p", { cls: "none" }, text);

/** A table of rows; columns that begin with # are numbers. */
export function table(columns, rows, caption) {
  const number = columns.map((c) => c.startsWith("#"));
  return h("div", { cls: "scroll" }, h("table", { "aria-label": caption },
    h("thead", {}, h("tr", {}, columns.map((c, i) => h("th", { scope: "col", cls: number[i] && "n" }, c.replace(/^#/, ""))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => h("td", { cls: number[i] && "n" }, cell)))))));
}

/** A button that asks once more before it does anything, without a dialog. */
export function sure(text, act) {
  let armed = 0;
  const button = h("button", { type: "button", cls: "danger", onclick: async () => {
    if (!armed) {
      say(button, "Really?");
      armed = setTimeout(relax, 4000);
      return;
    }
    relax();
    button.disabled = true;
    try { await act(); } finally { button.disabled = false; }
  }, onblur: () => armed && relax() }, text);
  const relax = () => { clearTimeout(armed); armed = 0; say(button, text); };
  return button;
}

/** A field for the name of a channel. */
export const channelField = (props) => h("input", {
  maxlength: 255, autocomplete: "off", autocapitalize: "none", spellcheck: "false", pattern: "[A-Za-z0-9:_.#@*\\-]+", title: "letters, digits and : _ - . # @", ...props,
});

export const linkTo = (section, name) => `#/${section}/${encodeURIComponent(name)}`;
