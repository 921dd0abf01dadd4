// The console: login, sections by the URL's fragment, and the figures once a second while somebody looks.
import { channel, channels } from "./channels.js";
import { clients } from "./clients.js";
import { add } from "./figures.js";
import { $, brief, clock, h, say, seconds } from "./page.js";
import { overview } from "./overview.js";
import { losses, problems } from "./problems.js";
import { logIn, logOut, onLoggedOut, session, start, stats } from "./server.js";
import { forget, watching } from "./watch.js";

const EVERY = 1_000; // milliseconds between two looks at the figures

const SECTIONS = { overview, channels: (name) => (name ? channel(name) : channels()), clients, watch: watching, problems };

let view = null, inside = false, timer = 0, looks = 0, lastSeen = 0;

function show(next, focus) {
  view = next;
  $("main").replaceChildren(...next.element.filter(Boolean));
  document.title = `${next.title} · wsedge`;
  if (focus) $("main").querySelector("h1")?.focus();
  next.update?.();
  next.enter?.();
}

function route(focus) {
  if (!inside) return;
  const [section, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const name = Object.hasOwn(SECTIONS, section) ? section : "overview";
  for (const a of $("nav").children) {
    if (a.hash === `#/${name}`) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  let about = "";
  try { about = decodeURIComponent(rest.join("/")); } catch { /* not one of ours */ }
  show(SECTIONS[name](about || undefined), focus);
  scrollTo(0, 0);
}

function state(name, text) {
  $("state").dataset.state = name;
  say($("state-text"), text);
}

function banner(text) {
  $("banner").hidden = !text;
  say($("banner"), text);
  document.body.classList.toggle("stale", Boolean(text));
}

async function look() {
  const turn = ++looks; // a later one takes over: of a tab that is shown again while an answer is on its way
  clearTimeout(timer);
  if (!inside || document.hidden) return;
  const began = performance.now();
  try {
    const raw = await stats();
    if (!inside || turn !== looks) return;
    add(raw);
    lastSeen = Date.now();
    banner("");
    state(raw.draining ? "draining" : "live", raw.draining ? "draining" : "live");
    if (raw.node !== session.node && !await arrive()) return; // another process
    say($("about"), `node ${session.node} · ${session.version || "no version"} · up ${seconds(Math.floor(raw.at_ms / 1000))}`);
    const lost = losses();
    $("badge").hidden = lost === 0;
    say($("badge"), brief(lost));
    view?.update?.();
  } catch (e) {
    if (inside && turn === looks) {
      state("offline", "no answer");
      banner(`${e.code === "offline" ? "The server does not answer" : `The server says: ${e.message}`}. Trying again every second${lastSeen ? `; last seen at ${clock(lastSeen)}` : ""}.`);
    }
  }
  if (inside && turn === looks) timer = setTimeout(look, Math.max(100, EVERY - (performance.now() - began)));
}

async function arrive() {
  const isIn = await start();
  if (!isIn) loginPage();
  $("logout").hidden = !isIn || !session.login;
  return isIn;
}

function loginPage() {
  inside = false;
  clearTimeout(timer);
  forget();
  banner("");
  document.body.classList.add("out");
  $("logout").hidden = true;
  const key = h("input", { id: "key", type: "password", required: true, autocomplete: "current-password", maxlength: 512 });
  const problem = h("p", { cls: "error", role: "alert" });
  const button = h("button", { cls: "primary" }, "Log in");
  const form = h("form", { onsubmit: async (e) => {
    e.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    try {
      await logIn(key.value);
      key.value = "";
      await enter();
    } catch (failure) {
      problem.textContent = failure.message;
      key.select();
    } finally { button.disabled = false; }
  } }, h("div", { cls: "field" }, h("label", { for: "key" }, "API key"), key), problem, button);
  show({ title: "Log in", element: [h("section", { cls: "card login" }, h("h1", { tabindex: -1 }, "Log in"),
    h("p", { cls: "soft" }, "With an API key of this node that has the scope read. What else you can do here depends on its scopes: publish, manage."), form)] });
  key.focus();
}

async function enter() {
  if (!await arrive()) return;
  inside = true;
  document.body.classList.remove("out");
  route(false);
  look();
}

// begin comes back until the server has said whether it wants a login.
async function begin() {
  try {
    await enter();
  } catch {
    banner("The server does not answer. Trying again every second.");
    setTimeout(begin, EVERY);
  }
}

onLoggedOut(() => { if (inside) loginPage(); });
addEventListener("hashchange", () => route(true));
document.addEventListener("visibilitychange", look);
$("logout").addEventListener("click", async () => {
  try { await logOut(); } catch { /* without an answer the cookie stays good until its time is over; the page forgets all the same */ }
  loginPage();
});
$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("wsedge-theme", root.dataset.theme); } catch { /* then it is not remembered */ }
});
begin();
