// Channels: those that are open on any node, and one of them with its position, its members and what it keeps.
import { api } from "./server.js";
import { channelField, count, dataText, h, head, linkTo, none, table } from "./page.js";

const PAGE = 100;

/** All open channels, by the beginning of their names. */
export function channels(prefix = "") {
  const list = h("div", { "aria-live": "polite" });
  const field = channelField({ value: prefix, placeholder: "prefix, such as chat:", "aria-label": "Beginning of the channels' names" });
  let rows = [], asked = 0;
  const show = (next, failure) => {
    if (failure) return list.replaceChildren(h("p", { cls: "error" }, failure));
    if (rows.length === 0) return list.replaceChildren(none(field.value ? `No open channel begins with ${field.value}.` : "No channel is open. One opens with its first subscriber or publication."));
    const more = next && h("p", {}, h("button", { type: "button", onclick: () => load(next) }, "More"));
    list.replaceChildren(...[table(["Channel", "#Subscribers"], rows.map((c) => [h("a", { href: linkTo("channels", c.channel), cls: "mono" }, c.channel), count(c.subscribers)]), "Open channels"), more].filter(Boolean));
  };
  const load = async (after) => {
    const turn = ++asked; // an answer that comes after the next question is to nobody's any more
    try {
      const page = await api("channels", { prefix: field.value, limit: PAGE, after });
      if (turn !== asked) return;
      rows = after ? [...rows, ...page.channels] : page.channels;
      show(page.next);
    } catch (e) {
      if (turn === asked) show(undefined, e.message);
    }
  };
  const form = h("form", { cls: "row", role: "search", onsubmit: (e) => { e.preventDefault(); load(); } }, field, h("button", {}, "Search"));
  return {
    title: "Channels", element: [head("Channels"), h("section", { cls: "card stack" }, form, list)],
    enter: () => load(),
  };
}

/** One channel. */
export function channel(name) {
  const position = h("dl", { cls: "left" }), members = h("div", {}), kept = h("div", {});
  const fail = (where) => (e) => where.replaceChildren(h("p", { cls: "soft" }, e.message));
  const load = () => {
    api("history", { channel: name, limit: 20 }).then((past) => {
      position.replaceChildren(...[["Offset", count(past.offset ?? 0)], ["Epoch", past.epoch ?? "–"]].flatMap(([k, v]) => [h("dt", {}, k), h("dd", { cls: "mono" }, v)]));
      kept.replaceChildren(past.publications.length === 0 ? none("Nothing is kept: nothing was published, or the namespace has no history.")
        : table(["Offset", "Data", "From"], past.publications.toReversed().map((p) => [count(p.offset), h("span", { cls: "mono" }, dataText(p.data)), p.user ?? p.client ?? "API"]), "The latest publications, newest first"));
    }).catch(fail(kept));
    api("presence", { channel: name, limit: 100 }).then((there) => {
      const rows = there.clients?.map((m) => [h("a", { href: linkTo("clients", m.client), cls: "mono" }, m.client), m.user ?? "–"]);
      members.replaceChildren(...[h("p", { cls: "soft" }, `${count(there.count)} subscribed`), rows?.length ? table(["Client", "User"], rows, "Members") : there.count > 0 && h("p", { cls: "soft" }, "Who they are is kept where the namespace has the option members.")].filter(Boolean));
    }).catch(fail(members));
  };
  return {
    title: name,
    element: [
      head(name, h("button", { type: "button", onclick: load }, "Refresh"), h("a", { cls: "button primary", href: linkTo("watch", name) }, "Watch")),
      h("div", { cls: "wide-left" },
        h("div", { cls: "stack" }, h("section", { cls: "card" }, h("h2", {}, "Position"), position), h("section", { cls: "card" }, h("h2", {}, "Members"), members)),
        h("section", { cls: "card" }, h("h2", {}, "History"), kept)),
    ],
    enter: load,
  };
}
