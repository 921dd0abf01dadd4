// Overview: four charts, and the figures of the moment.
import { Chart } from "./chart.js";
import { bytes, clock, compact, count, h, head, rate, say, seconds, table } from "./page.js";
import { latest, samples } from "./figures.js";
import { session } from "./server.js";

const key = (second) => h("span", { cls: second ? "key second" : "key" });

const charts = () => [
  new Chart({ title: "Connections", unit: "open", show: compact, lines: [{ name: "connections", of: (s) => s.raw.connections }],
    sub: (s) => `${count(s.raw.congested)} congested, ${rate(s.rates.accepted ?? 0)} accepted` }),
  new Chart({ title: "Deliveries", unit: "/s", show: compact, lines: [{ name: "deliveries a second", of: (s) => s.rates.deliveries }],
    sub: (s) => `${compact(s.raw.deliveries_total)} since the start` }),
  new Chart({ title: "Queued", show: bytes, least: 1024, base: 1024, lines: [{ name: "queued", of: (s) => s.raw.queued_bytes }],
    sub: (s) => `for ${count(s.raw.congested)} slow connections; ${bytes(s.raw.in_flight_bytes)} in flight` }),
  new Chart({ title: "Loop lag", unit: "p99", show: seconds, least: 0.001, lines: [{ name: "p99", of: (s) => s.p99 }, { name: "p50", of: (s) => s.p50 }],
    sub: (s) => [key(false), "p99\u2002", key(true), `p50 ${s.p50 === undefined ? "–" : seconds(s.p50)}, on ${s.raw.loops} loop${s.raw.loops === 1 ? "" : "s"}`] }),
];

// The figures by group: [name, of a sample].
const GROUPS = {
  Traffic: [
    ["Messages in", (s) => rate(s.rates.messages_in ?? 0)], ["Replies", (s) => rate(s.rates.messages_out ?? 0)],
    ["Bytes in", (s) => `${bytes(s.rates.bytes_in ?? 0)}/s`], ["Bytes out", (s) => `${bytes(s.rates.bytes_out ?? 0)}/s`],
    ["Sends", (s) => rate(s.rates.sends ?? 0)],
  ],
  Sockets: [
    ["WebSocket", (s) => count(s.raw.connections)], ["HTTP", (s) => count(s.raw.http)], ["All sockets", (s) => count(s.raw.sockets)],
    ["Accepted", (s) => compact(s.raw.accepted_total)], ["Pressure", (s) => (s.raw.pressure ? `level ${s.raw.pressure}` : "none")],
  ],
  Channels: [
    ["Channels", (s) => count(s.raw.channels)], ["History", (s) => bytes(s.raw.history_bytes)],
    ["Dropped", (s) => compact(Object.values(s.raw.drops_total).reduce((a, b) => a + b, 0))],
    ["Backlogged", (s) => compact(s.raw.others_total.backlogged)], ["In flight", (s) => bytes(s.raw.in_flight_bytes)],
  ],
  Process: [
    ["CPU", (s) => (s.cpu === undefined ? "–" : `${(s.cpu * 100).toFixed(s.cpu < 0.1 ? 1 : 0)} % / ${s.raw.cpus} cores`)],
    ["Memory", (s) => (s.raw.rss_bytes ? bytes(s.raw.rss_bytes) : "unknown")], ["Go heap", (s) => bytes(s.raw.heap_bytes)],
    ["Goroutines", (s) => count(s.raw.goroutines)], ["Up for", (s) => seconds(Math.floor(s.raw.at_ms / 1000))],
  ],
};

export function overview() {
  const drawn = charts(), fields = [];
  const figures = h("div", { cls: "figures" }, Object.entries(GROUPS).map(([name, rows]) => h("section", { cls: "card" }, h("h2", {}, name),
    h("dl", {}, rows.map(([label, of]) => {
      const dd = h("dd", { cls: "figure" }, "–");
      fields.push([dd, of]);
      return [h("dt", {}, label), dd];
    })))));
  const asTable = h("details", { cls: "card", ontoggle: () => { asTable.open && write(); } }, h("summary", {}, "The last five minutes as a table"));
  let written = 0; // the time of the sample in the first row
  const write = () => {
    written = latest()?.t ?? 0;
    const rows = samples.filter((_, i) => (samples.length - 1 - i) % 15 === 0).reverse();
    asTable.replaceChildren(asTable.firstChild, table(["Time", "#Connections", "#Deliveries/s", "#Queued", "#Lag p50", "#Lag p99"], rows.map((s) => [
      clock(s.t), count(s.raw.connections), s.rates.deliveries === undefined ? "–" : compact(s.rates.deliveries), bytes(s.raw.queued_bytes),
      s.p50 === undefined ? "–" : seconds(s.p50), s.p99 === undefined ? "–" : seconds(s.p99),
    ]), "The figures of the charts, one row for each 15 seconds"));
  };
  const nodes = h("section", { cls: "card", hidden: true });
  const writeNodes = (c) => {
    nodes.hidden = !c || (c.nodes.length < 2 && !c.missing);
    if (nodes.hidden) return;
    nodes.replaceChildren(h("h2", {}, "Nodes"), table(["Node", "Name", "Version", "#Connections", "#Channels", "#Up for"], [
      ...c.nodes.map((n) => [n.node + (n.node === session.node ? " (this)" : ""), (n.name ?? "") + (n.draining ? " draining" : ""), n.version, count(n.connections), count(n.channels), seconds(n.uptime_seconds)]),
      [`${c.nodes.length} nodes`, c.missing ? `${c.missing} did not answer` : "", "", count(c.connections), "", ""],
    ], "The nodes that share the engine; the charts are of this one"));
  };
  const open = h("p", { cls: "dev" }, "Nobody is asked who they are: whoever reaches this page may see and change everything. That is for development.");
  return {
    title: "Overview",
    element: [head("Overview"), !session.login && open, h("div", { cls: "two" }, drawn.map((c) => c.element)), figures, nodes, asTable],
    update() {
      const s = latest();
      if (!s) return;
      for (const c of drawn) c.draw();
      for (const [dd, of] of fields) say(dd, of(s));
      writeNodes(s.raw.cluster);
      if (asTable.open && Math.abs(s.t - written) >= 15_000) write();
    },
  };
}
