// Watch and publish: a client of wsedge.js like any other. What came stays here while another section is shown.
import { Client } from "./wsedge.js";
import { api, may, session } from "./server.js";
import { channelField, clock, count, dataText, h, head, say } from "./page.js";

const KEPT = 500; // messages shown

let client = null, received = 0;
const log = h("ol", { cls: "log", role: "log", tabindex: 0, "aria-label": "Messages" }, h("li", { cls: "none" }, "Nothing yet. Publish something, here or in another window."));
const total = h("span", { cls: "soft" });
const chips = h("ul", { cls: "chips", "aria-label": "Watched channels" });
const state = h("p", { cls: "soft", role: "status" });

let waiting = [], painting = 0;

// append takes what makes an element. All that comes between two frames is shown together, and no more is made than is kept: a busy channel
// must not keep the page from reading, or the server closes it as slow.
function append(make) {
  waiting.push(make);
  if (waiting.length > KEPT) waiting.shift();
  painting ||= requestAnimationFrame(paint);
}
function paint() {
  painting = 0;
  const items = waiting.map((make) => make()).reverse();
  waiting = [];
  log.querySelector(":scope > .none")?.remove();
  log.prepend(...items);
  while (log.childElementCount > KEPT) log.lastElementChild.remove();
  if (received) say(total, `${count(received)} received`);
}
function clear(text) {
  cancelAnimationFrame(painting);
  painting = 0;
  waiting = [];
  log.replaceChildren(h("li", { cls: "none" }, text));
}
function note(text, cls = "note") {
  const at = Date.now();
  append(() => h("li", { cls }, `${clock(at)}  ${text}`));
}

function show(m) {
  const now = new Date(), mine = m.client !== undefined && m.client === client?.id;
  received++;
  append(() => h("li", { cls: "new" }, h("time", { datetime: now.toISOString() }, clock(now)), h("span", { cls: "channel" }, m.channel), h("span", { cls: "offset" }, `#${m.offset}`),
    h("span", { cls: "from" }, mine ? "you" : m.user ?? m.client ?? "API"), h("code", {}, dataText(m.data))));
}

function showChannels() {
  const subs = [...(client?.subscriptions.values() ?? [])];
  chips.replaceChildren(...(subs.length === 0 ? [h("li", { cls: "soft" }, "none")] : subs.map((sub) => h("li", { cls: sub.state === "subscribed" ? "" : "wait" }, sub.channel,
    h("button", { type: "button", "aria-label": `Stop watching ${sub.channel}`, onclick: () => { sub.unsubscribe(); showChannels(); chips.parentElement?.querySelector("input")?.focus(); } }, "×")))));
}

function connect() {
  if (client) return client;
  client = new Client(session.socket);
  client.on("connected", (me) => { say(state, `watching as ${me.client}`); state.dataset.state = "open"; });
  client.on("connecting", ({ attempt, delay }) => { say(state, attempt ? `connection lost, next attempt in ${(delay / 1000).toFixed(1)} s` : "connecting"); state.dataset.state = "connecting"; showChannels(); });
  client.on("disconnected", ({ reason }) => { say(state, `closed by the server: ${reason}`); state.dataset.state = "closed"; showChannels(); });
  client.on("error", (e) => note(`${e.channel ? `${e.channel}: ` : ""}${e.message}`, "problem"));
  client.on("subscribed", (sub, { recovered }) => { if (recovered === false) note(`${sub.channel}: messages may be missing since the connection was lost`); showChannels(); });
  client.on("unsubscribed", showChannels);
  return client;
}

/** Stops watching, and forgets what came: the login has ended, and who logs in next may be somebody else. */
export function forget() {
  client?.close();
  client = null;
  received = 0;
  say(total, "");
  clear("Nothing yet.");
  showChannels();
}

function watch(channel) {
  const c = connect(), known = c.subscriptions.has(channel);
  const sub = c.subscribe(channel);
  if (c.state === "disconnected") c.connect();
  if (!known) {
    sub.on("message", show);
    sub.on("gap", (gap) => note(`${channel}: ${gap.refill ? "late" : "missing"} between #${gap.after} and #${gap.before}`, gap.refill ? "note" : "problem"));
    for (const kind of ["join", "leave"]) sub.on(kind, (n) => note(`${n.user ?? n.client} ${kind === "join" ? "joined" : "left"} ${channel}: ${count(n.count)} there`));
  }
  showChannels();
}

// What is no JSON is sent as a string; what is, byte for byte as it was typed.
function encode(text) {
  try { JSON.parse(text); return text; } catch { return JSON.stringify(text); }
}

function publishForm(name) {
  const to = channelField({ id: "to", value: name || "news", required: true });
  const data = h("textarea", { id: "data", required: true, spellcheck: "false", placeholder: "Hello, edge", onkeydown: (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); form.requestSubmit(); }
  } });
  const told = h("p", { cls: "hint", role: "status", id: "told" }, "Ctrl + Enter publishes");
  const form = h("form", { id: "publish", onsubmit: async (e) => {
    e.preventDefault();
    try {
      const r = await api("publish", `{"channel":${JSON.stringify(to.value)},"receipt":true,"data":${encode(data.value)}}`);
      told.className = "done";
      told.textContent = `#${r.offset}: ${count(r.matched)} subscribed, ${count(r.queued)} queued${r.dropped ? `, ${count(r.dropped)} dropped` : ""}`;
    } catch (failure) {
      told.className = "error";
      told.textContent = failure.message;
    }
  } }, h("div", { cls: "field" }, h("label", { for: "to" }, "Channel"), to),
  h("div", { cls: "field" }, h("label", { for: "data" }, "Data: JSON, or anything, which is sent as a string"), data),
  h("div", { cls: "row" }, h("button", { cls: "primary" }, "Publish"), told));
  return h("section", { cls: "card" }, h("h2", {}, "Publish"), form);
}

const curl = () => h("section", { cls: "card hide-phone" }, h("h2", {}, "From a backend"), h("pre", {}, `curl -d '{"channel":"news","data":"hi"}' \\\n  ${location.origin}/api/publish`));

export function watching(name = "") {
  const field = channelField({ id: "channel", required: true, placeholder: "channel, or chat:*", "aria-label": "Channel to watch" });
  const form = h("form", { cls: "row", id: "subscribe", onsubmit: (e) => { e.preventDefault(); watch(field.value); field.value = ""; } }, field, h("button", {}, "Watch"));
  return {
    title: "Watch and publish",
    element: [head("Watch and publish", state), h("div", { cls: "wide-left watch" },
      h("div", { cls: "stack" }, h("section", { cls: "card stack" }, h("div", {}, h("h2", {}, "Channels"), chips), form), may("publish") && publishForm(name), session.socket === "/ws" && curl()),
      h("section", { cls: "card feed" }, h("div", { cls: "head" }, h("h2", {}, "Messages"), total, h("button", { type: "button", onclick: () => clear("Nothing since.") }, "Clear")), log))],
    enter() {
      if (name) watch(name);
      else if (!client && !session.login) watch("news");
      showChannels();
    },
  };
}
