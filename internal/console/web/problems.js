// Problems: what was dropped, refused or closed, and why.
import { count, h, head, seconds, table } from "./page.js";
import { latest, reasons, samples } from "./figures.js";

// [of the figures, title, what the reasons mean]
const GROUPS = [
  ["drops_total", "Publications dropped", {
    slow: "the connection was closed as slow", oldest: "slow: the oldest made room", newest: "slow: the new one found no room", conflated: "slow: only the latest value counts",
    stale: "waited longer than it is good for", peer_gone: "waited for a client that vanished", suspended: "slow: to be read from the history instead" }],
  ["ended_total", "Connections closed by the server", {
    shutdown: "the node was shut down", slow: "the client did not read for too long", no_pong: "the client did not answer a ping", message_timeout: "a message was begun and never ended",
    frame_rate: "too many frames a second", panic: "a fault in the server; see the log" }],
  ["refused_total", "Handshakes refused", {}],
  ["violations_total", "Protocol violations", {}],
  ["limited_total", "Above a limit", {}],
  ["denied_total", "Commands not permitted", {}],
  ["tokens_rejected_total", "Tokens refused", {}],
  ["api_refused_total", "API requests refused for their key", {}],
  ["logins_total", "Logins to this console refused", { unauthorized: "no such key", permission_denied: "a key that does not open the console", rate: "too many attempts" }],
  ["others_total", "Others", {
    panics: "faults caught in handlers; see the log", backlogged: "publications refused because too much waits", clock_stalls: "times that a loop found itself stopped: the machine is overloaded, or was asleep",
    aborts: "connections that ended with an error on sending", overruns: "clients closed because too many of their commands waited for a backend" }],
];

// What counts for the badge: what somebody has lost.
const LOSSES = ["drops_total", "others_total"];
const QUIET = new Set(["conflated", "suspended", "aborts", "clock_stalls", "overruns"]);

/** How much was lost in the last five minutes. */
export const losses = () => LOSSES.flatMap((g) => reasons(g)).filter(([reason]) => !QUIET.has(reason)).reduce((sum, [, , n]) => sum + n, 0);

export function problems() {
  const since = h("span", { cls: "soft" });
  const body = h("div", { cls: "stack" });
  let shown = "";
  const draw = () => {
    const s = latest();
    if (!s) return;
    since.textContent = `lately: the last ${seconds(Math.max(1, Math.round((s.t - samples[0].t) / 1000)))}`;
    const groups = GROUPS.filter(([key]) => s.raw[key]).map(([key, title, words]) => [title, words, reasons(key).filter(([reason]) => reason !== "ok")]);
    const now = JSON.stringify(groups.map((g) => g[2]));
    if (now === shown) return; // what somebody reads, or has the focus in, is not exchanged for the same
    shown = now;
    const bad = groups.filter((g) => g[2].length), good = groups.filter((g) => !g[2].length);
    body.replaceChildren(
      ...bad.map(([title, words, rows]) => h("section", { cls: "card reasons" }, h("h2", {}, title),
        table(["Reason", "#Lately", "#In all"], rows.map(([reason, n, lately]) => [[h("span", { cls: "mono" }, reason), " ", h("span", { cls: "soft" }, words[reason] ?? "")], count(lately), count(n)]), title))),
      h("section", { cls: "card" }, h("h2", {}, bad.length ? "None of these since the node began" : "All is well: none of these since the node began"),
        h("p", { cls: "soft" }, good.map(([title]) => title).join(" · "))));
  };
  return { title: "Problems", element: [head("Problems", since), body], update: draw };
}
