// wsedge.js in a real Chromium, under a network that breaks and a server that is killed. WSEDGE_BINARY names the server's program.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { network, serve } from "../../clients/js/test/real/server.mjs";

// What an application would write, on a host of its own: it shows all messages, and reads the history where recovery is not to be had.
const application = `<!doctype html><meta charset="utf-8"><title>news</title><ol></ol>
<script type="module">
const { edge, delay } = Object.fromEntries(new URLSearchParams(location.search));
const { Client } = await import("http://" + edge + "/wsedge.js");
const show = (m) => document.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: m.data }));
const client = window.client = new Client("http://" + edge + "/ws", { minDelay: Number(delay) });
const sub = window.news = client.subscribe("news");
window.events = [];
client.on("connecting", ({ code }) => code && events.push("lost " + code));
client.on("error", (error) => events.push("error " + error.code));
sub.on("subscribed", async ({ recovered }) => {
  events.push("recovered " + recovered);
  if (recovered === false) (await sub.history()).publications.forEach(show);
});
sub.on("message", show);
</script>`;

/** host serves the application, and returns its origin. */
async function host(t) {
  const site = http.createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(application));
  await once(site.listen(0, "127.0.0.1"), "listening");
  t.after(() => { site.closeAllConnections(); site.close(); });
  return `http://127.0.0.1:${site.address().port}`;
}

/** open shows the application in a Chromium of its own, as a client of the server at the port. */
async function open(t, origin, port, delay) {
  const profile = await mkdtemp(join(tmpdir(), "wsedge-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await context.newPage(), faults = [];
  t.after(async () => { await context.close(); await rm(profile, { recursive: true, force: true }); });
  page.on("pageerror", (error) => faults.push(error.message));
  await page.goto(`${origin}/?edge=127.0.0.1:${port}&delay=${delay}`);
  await page.waitForFunction(() => window.events?.includes("recovered undefined"));
  const shows = async (...want) => {
    const items = page.locator("li");
    await page.waitForFunction((n) => document.querySelectorAll("li").length >= n, want.length);
    assert.deepEqual(await items.allTextContents(), want);
  };
  const events = () => page.evaluate(() => window.events.splice(0));
  return { context, page, shows, events, faults };
}

const keeping = (origin) => ["--history-size", "100", "--recover", "--origins", origin];

test("a network that breaks, a server that is killed, a server that is shut down", { timeout: 120_000 }, async (t) => {
  const origin = await host(t), server = await serve(t, ...keeping(origin)), net = await network(t, server.port);
  const { page, shows, events, faults } = await open(t, origin, net.port, 50);
  const publish = (data) => server.api("publish", { channel: "news", data });
  assert.equal((await page.evaluate(() => news.publish("from the page"))).offset, 1);
  await publish("from a backend");
  await shows("from the page", "from a backend");
  assert.deepEqual(await events(), ["recovered undefined"]);

  net.cut();
  await page.waitForFunction(() => client.state === "connecting");
  for (const data of ["missed 1", "missed 2", "missed 3"]) await publish(data);
  const pending = page.evaluate(() => news.publish("published without a network"));
  net.mend();
  await pending;
  await shows("from the page", "from a backend", "missed 1", "missed 2", "missed 3", "published without a network");
  const seen = await events();
  assert.deepEqual([seen[0], seen.at(-1)], ["lost 1006", "recovered true"]);

  await server.end("SIGKILL");
  await page.waitForFunction(() => client.state === "connecting");
  net.cut(); // so that it comes back only after the next publication
  await server.start();
  await publish("missed after the server's death");
  net.mend();
  await page.waitForFunction(() => events.includes("recovered false"));
  await publish("live");
  const all = ["from the page", "from a backend", "missed 1", "missed 2", "missed 3", "published without a network", "missed after the server's death", "live"];
  await shows(...all);

  await events();
  await server.end("SIGTERM");
  await page.waitForFunction(() => events.includes("lost 3001"));
  await server.start();
  await page.waitForFunction(() => client.state === "connected" && news.state === "subscribed");
  assert.deepEqual(faults, []);
});

test("back online it does not wait for the next attempt", { timeout: 120_000 }, async (t) => {
  const origin = await host(t), server = await serve(t, ...keeping(origin));
  const { context, page, shows, events, faults } = await open(t, origin, server.port, 3_600_000);
  await context.setOffline(true);
  await server.end("SIGKILL");
  await page.waitForFunction(() => client.state === "connecting");
  await server.start();
  await server.api("publish", { channel: "news", data: "missed while offline" });
  await context.setOffline(false);
  await shows("missed while offline");
  assert.deepEqual((await events()).filter((event) => event.startsWith("recovered")), ["recovered undefined", "recovered false"]);
  assert.deepEqual(faults, []);
});

test("what was missed while the server was dead comes from a history that outlives it", { timeout: 120_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "wsedge-engine-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const origin = await host(t), server = await serve(t, ...keeping(origin), "--engine", "embedded", "--engine-dir", dir), net = await network(t, server.port);
  const { page, shows, events, faults } = await open(t, origin, net.port, 50);
  await server.api("publish", { channel: "news", data: "seen" });
  await shows("seen");
  await events();
  await server.end("SIGKILL");
  await page.waitForFunction(() => client.state === "connecting");
  net.cut(); // so that it comes back only after the next publications
  await server.start();
  for (const data of ["missed 1", "missed 2"]) await server.api("publish", { channel: "news", data });
  net.mend();
  await shows("seen", "missed 1", "missed 2");
  await server.api("publish", { channel: "news", data: "live" });
  await shows("seen", "missed 1", "missed 2", "live");
  assert.deepEqual((await events()).filter((event) => event.startsWith("recovered")), ["recovered true"]);
  assert.deepEqual(faults, []);
});
