// Clients: what a connection, or each of a user's, is doing; and, for who may, its end.
import { api, may } from "./server.js";
import { bytes, channelField, count, h, head, linkTo, none, seconds, sure } from "./page.js";

export function clients(name = "") {
  const user = name.startsWith("user:");
  const kind = h("select", { "aria-label": "Look up by" }, h("option", { value: "client" }, "Client id"), h("option", { value: "user", selected: user }, "User"));
  const field = h("input", { value: user ? name.slice(5) : name, required: true, maxlength: 255, autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-label": "Client id or user", placeholder: "client id or user" });
  const found = h("div", { cls: "stack", "aria-live": "polite" });
  const told = h("p", { cls: "done told", role: "status" });

  let asked = 0;
  const load = async () => {
    const turn = ++asked; // an answer that comes after the next question is to nobody's any more
    if (!field.value) {
      found.replaceChildren(h("section", { cls: "card" }, none("Ids of clients are in the members of a channel, in messages from clients, and in what your own pages log.")));
      return;
    }
    try {
      const { clients: list, more } = await api("client", { [kind.value]: field.value });
      if (turn !== asked) return;
      const cards = list.map(card);
      if (list.length === 0) cards.push(h("section", { cls: "card" }, none(`Nobody of that ${kind.value === "user" ? "name" : "id"} is connected to this node.`)));
      if (list.length > 1 && may("manage")) {
        cards.unshift(h("div", { cls: "head" }, h("p", { cls: "soft" }, `${count(list.length)}${more ? " and more" : ""} connections`), sure("Disconnect all", () => act("disconnect", { user: list[0].user }, (a) => `${count(a.disconnected)} disconnected.`))));
      }
      if (more) cards.push(h("p", { cls: "soft" }, `The user has more connections than these ${count(list.length)}.`));
      found.replaceChildren(...cards);
    } catch (e) {
      if (turn === asked) found.replaceChildren(h("p", { cls: "error", role: "alert" }, e.message));
    }
  };

  const act = async (method, params, say) => {
    try {
      const answer = await api(method, params);
      told.textContent = say(answer);
      setTimeout(load, 400); // it is carried out a moment later
    } catch (e) { told.textContent = e.message; }
  };

  const card = (c) => {
    const rows = [
      ["User", c.user ? h("a", { href: linkTo("clients", `user:${c.user}`) }, c.user) : "nobody's"], ["Dialect", c.dialect], ["Address", h("span", { cls: "mono" }, c.address)],
      ["Connected for", seconds(c.connected_seconds)], ["Queued", bytes(c.queued_bytes)],
      c.expires_in !== undefined && ["Token", c.expires_in > 0 ? `good for ${seconds(c.expires_in)}` : "expired, a new one is awaited"],
    ].filter(Boolean);
    const manage = may("manage"), raw = c.dialect === "raw";
    const chips = h("ul", { cls: "chips", "aria-label": "Channels" }, c.channels.map((name) => h("li", {}, h("a", { href: linkTo("channels", name) }, name),
      manage && !raw && h("button", { type: "button", "aria-label": `Unsubscribe from ${name}`, onclick: () => act("unsubscribe", { client: c.client, channel: name }, () => `Unsubscribed from ${name}.`) }, "×"))),
    c.channel_count > c.channels.length && h("li", { cls: "soft" }, `and ${count(c.channel_count - c.channels.length)} more`), c.channel_count === 0 && h("li", { cls: "soft" }, "none"));
    const add = channelField({ required: true, placeholder: "channel", "aria-label": "Channel to subscribe the client to" });
    return h("section", { cls: "card" },
      h("div", { cls: "head" }, h("h2", { cls: "mono" }, c.client), manage && sure("Disconnect", () => act("disconnect", { client: c.client }, (a) => `${a.disconnected} disconnected.`))),
      h("div", { cls: "two" }, h("dl", { cls: "left" }, rows.map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
        h("div", { cls: "stack" }, h("div", {}, h("label", {}, `Channels (${count(c.channel_count)})`), chips),
          manage && !raw && h("form", { cls: "row", onsubmit: (e) => { e.preventDefault(); act("subscribe", { client: c.client, channel: add.value }, () => `Subscribed to ${add.value}.`); } }, add, h("button", {}, "Subscribe")))));
  };

  const form = h("form", { cls: "row lookup", role: "search", onsubmit: (e) => { e.preventDefault(); told.textContent = ""; load(); } }, kind, field, h("button", { cls: "primary" }, "Look up"));
  return { title: "Clients", element: [head("Clients"), h("section", { cls: "card" }, form), told, found], enter: load };
}
