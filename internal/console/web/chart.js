// A chart of the last minutes, five at most: lines in SVG, a scale, and a crosshair that the pointer and the arrow keys move.
import { clock, h, say, svg } from "./page.js";
import { samples, span } from "./figures.js";

const WIDTH = 1000, HEIGHT = 100; // of the drawing, which is stretched

/** The least of 1, 2, 3, 4, 6, 8 · 10ⁿ, or with base 1024 of 1, 2, 4, 8, … KiB, that is not below n: half of it is a good number, too. */
export function ceiling(n, base) {
  if (base === 1024) return 2 ** Math.ceil(Math.log2(n));
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 3, 4, 6, 8, 10].map((m) => m * power).find((c) => c >= n);
}

/**
 * A chart with its head. `lines` are {of: sample → number or undefined, name}; the first is filled below if there is but one. `show` writes a
 * number, `least` is what the scale shows at least, `sub` makes the text below the value.
 */
export class Chart {
  constructor({ title, lines, show, unit = "", least = 10, base = 10, sub = () => "" }) {
    Object.assign(this, { title, lines, show, unit, least, base, subText: sub, at: null });
    this.value = h("span", { cls: "value" }, "–");
    this.sub = h("p", { cls: "sub" });
    this.area = svg("path", { class: "area" });
    this.paths = lines.map((_, i) => svg("path", { class: i ? "line second" : "line" }));
    this.max = h("span", { cls: "scale max" });
    this.half = h("span", { cls: "scale half" });
    this.from = h("span", {}, "1 min ago");
    this.cross = h("div", { cls: "cross", hidden: true });
    this.plot = h("div", {
      cls: "chart", tabindex: 0, role: "slider", "aria-label": `${title}, the last five minutes; arrow keys read it out`,
      "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0, "aria-valuetext": "no figures yet",
      onpointermove: (e) => this.point(e), onpointerdown: (e) => this.point(e), onpointerleave: () => this.release(), onblur: () => this.release(), onkeydown: (e) => this.key(e),
    },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      [0, 50, 100].map((y) => svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y, y2: y })), lines.length === 1 && this.area, this.paths),
    this.max, this.half, this.cross);
    this.element = h("section", { cls: "card" },
      h("div", { cls: "chart-head" }, h("h2", {}, title), this.value), this.sub, this.plot,
      h("div", { cls: "axis", "aria-hidden": "true" }, this.from, h("span", {}, "now")));
  }

  x(t) { return WIDTH * (1 - (this.now - t) / this.span); }

  /** Draws what there is. */
  draw() {
    if (samples.length === 0) return;
    this.now = samples.at(-1).t;
    this.span = span();
    say(this.from, `${this.span / 60_000} min ago`);
    const shown = samples.filter((s) => s.t >= this.now - this.span);
    const most = Math.max(...shown.flatMap((s) => this.lines.map((l) => l.of(s) ?? 0)));
    const top = ceiling(Math.max(this.least, most * 1.04), this.base); // no line along the edge
    const y = (n) => HEIGHT * (1 - n / top);
    this.lines.forEach((line, i) => {
      let d = "", fill = "", from = null, last = null;
      const close = () => { if (from !== null) fill += `L${last} ${HEIGHT}L${from} ${HEIGHT}Z`; from = null; };
      for (const s of shown) {
        const n = line.of(s);
        if (n === undefined) continue;
        const point = `${this.x(s.t).toFixed(1)} ${y(n).toFixed(1)}`;
        if (from === null || s.begins) { close(); from = this.x(s.t).toFixed(1); d += `M${point}`; fill += `M${point}`; } else { d += `L${point}`; fill += `L${point}`; }
        last = this.x(s.t).toFixed(1);
      }
      close();
      this.paths[i].setAttribute("d", d);
      if (i === 0 && this.lines.length === 1) this.area.setAttribute("d", fill);
    });
    say(this.max, this.show(top));
    say(this.half, this.show(top / 2));
    this.plot.setAttribute("aria-valuemax", samples.length - 1);
    this.read();
  }

  /** The sample that is read: the one that was chosen, or the last. */
  get sample() { return samples.find((s) => s.t === this.at) ?? samples.at(-1); }

  read() {
    const s = this.sample, chosen = s.t === this.at;
    const [n, ...others] = this.lines.map((l) => l.of(s));
    const text = n === undefined ? "–" : this.show(n);
    this.value.replaceChildren(text, n !== undefined && this.unit ? h("small", {}, ` ${this.unit}`) : "");
    this.sub.replaceChildren(...(chosen ? [`at ${clock(s.t)}`, ...this.lines.slice(1).map((l, i) => `, ${l.name} ${others[i] === undefined ? "–" : this.show(others[i])}`)] : [this.subText(s)].flat()));
    this.plot.setAttribute("aria-valuenow", samples.indexOf(s));
    this.plot.setAttribute("aria-valuetext", `${clock(s.t)}: ${this.lines.map((l) => `${l.name} ${l.of(s) === undefined ? "unknown" : this.show(l.of(s))}`).join(", ")}`);
    this.cross.hidden = !chosen;
    if (chosen) this.cross.style.left = `${this.x(s.t) / WIDTH * 100}%`;
  }

  choose(s) {
    this.at = s.t;
    this.read();
  }

  release() {
    this.at = null;
    if (samples.length) this.read();
  }

  point(event) {
    if (samples.length === 0) return;
    const box = this.plot.getBoundingClientRect();
    const t = this.now - this.span * (1 - (event.clientX - box.left) / box.width);
    this.choose(samples.reduce((best, s) => (Math.abs(s.t - t) < Math.abs(best.t - t) ? s : best)));
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -30, PageUp: 30, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") return this.release();
    if (steps === undefined || samples.length === 0) return;
    event.preventDefault();
    const to = samples.indexOf(this.sample) + steps;
    this.choose(samples[Math.max(0, Math.min(samples.length - 1, to))]);
  }
}
