// Two tabs of a real Chromium on the console, in development mode: what is published in one is seen in the other, figures move, and all
// of it can be done by keyboard, on a phone, and without the server for a while.
// Usage: node browser.mjs ADDRESS PICTURES
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [address, pictures] = process.argv.slice(2);
const secure = process.env.WSEDGE_TLS ? "s" : "";
const profile = await mkdtemp(join(tmpdir(), "wsedge-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 860 },
  colorScheme: "light",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  let faults = [];
  const open = async (fragment = "") => {
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    await page.goto(`http${secure}://${address}/${fragment}`);
    await page.waitForSelector('#state[data-state="live"]');
    return page;
  };
  const watch = async (page, channel) => {
    await page.fill("#channel", channel);
    await page.press("#channel", "Enter");
    await page.waitForSelector(`.chips li:not(.wait) >> text=${channel}`);
  };
  const publish = async (page, channel, data) => {
    await page.fill("#to", channel);
    await page.fill("#data", data);
    await page.press("#data", "Control+Enter");
  };
  const figure = (page, name, value) => page.waitForFunction(([name, value]) => [...document.querySelectorAll("dt")].some((dt) => dt.textContent === name && dt.nextElementSibling.textContent === value), [name, value]);
  const hasFocus = (page, text) => page.waitForFunction((text) => document.activeElement.textContent.trim().startsWith(text), text);

  // Publish and watch, in two tabs.
  const [one, two] = [await open("#/watch"), await open("#/watch")];
  for (const page of [one, two]) await page.waitForSelector(".chips li:not(.wait) >> text=news"); // watched from the beginning
  const extensions = await one.evaluate((url) => new Promise((resolve, reject) => {
    const ws = new WebSocket(url);
    ws.onopen = () => { resolve(ws.extensions); ws.close(); };
    ws.onerror = reject;
  }), `ws${secure}://${address}/ws`);
  assert.match(extensions, /^permessage-deflate/);
  await watch(one, "weather");
  await watch(two, "weather");
  await publish(one, "news", '{"title":"wsedge is live","edition":1}');
  await two.waitForSelector(".log code >> text=wsedge is live");
  await publish(one, "weather", "cloudy ".repeat(500)); // long enough to be compressed
  await two.waitForSelector(".log code >> text=cloudy cloudy");
  await publish(two, "weather", "Sunny at the edge, 21 degrees");
  for (const page of [one, two]) await page.waitForSelector(".log code >> text=Sunny at the edge");
  await two.waitForSelector("#told, .done >> text=2 queued");
  await publish(two, "weather", `endless ${"rain ".repeat(10_000)}`); // a page that is open for days does not keep all of each
  for (const page of [one, two]) await page.waitForSelector(".log code >> text=… (50,008 characters)");

  // Names that every object has are no sections.
  for (const name of ["constructor", "__proto__", "toString"]) {
    await one.goto(`http${secure}://${address}/#/${name}`);
    await one.waitForFunction(() => document.title.startsWith("Overview"));
    assert.deepEqual(faults, [], name);
    await one.goto(`http${secure}://${address}/#/watch`);
    await one.waitForFunction(() => document.title.startsWith("Watch"));
  }

  // The figures move, and go back.
  const three = await open();
  await figure(three, "WebSocket", "2");
  await figure(three, "Channels", "2");
  await two.close();
  await figure(three, "WebSocket", "1");
  await three.evaluate(() => fetch("/api/publish", { method: "POST", body: '{"channel":"news","data":1}' }));
  await three.waitForFunction(() => document.querySelectorAll("section .sub")[1].textContent.startsWith("9 since")); // 2 + 2 + 2 + 2 to two tabs, 1 to one

  // What comes at once is shown at once, and no more of it than is kept.
  await one.evaluate(() => {
    window.paints = 0;
    new MutationObserver((records) => { for (const r of records) window.paints += r.addedNodes.length ? 1 : 0; }).observe(document.querySelector(".log"), { childList: true });
  });
  const many = Array.from({ length: 1_000 }, (_, i) => ({ method: "publish", params: { channel: "weather", data: `drop ${i}` } }));
  await three.evaluate((body) => fetch("/api/batch", { method: "POST", body }), JSON.stringify({ commands: many }));
  await one.waitForSelector(".log code >> text=drop 999");
  const [paints, kept, last] = await one.evaluate(() => [window.paints, document.querySelectorAll(".log li").length, document.querySelector(".log code").textContent]);
  assert.ok(paints < 500 && kept === 500 && last === "drop 999", `${paints} paints, ${kept} kept, the last is ${last}`);

  // By keyboard: over the skip link into the sections, and along a chart.
  await three.keyboard.press("Tab");
  await hasFocus(three, "Skip to the content");
  for (const name of ["wsedge", "", "Overview", "Channels"]) {
    await three.keyboard.press("Tab");
    await hasFocus(three, name);
  }
  await three.keyboard.press("Enter");
  await three.waitForSelector("h1 >> text=Channels");
  await hasFocus(three, "Channels");
  await three.waitForSelector('td a >> text=weather');
  // The answer to a question that nobody asks any more is not shown: neither alone, nor beside the other.
  const overtaken = async (method, [first, second], shown) => {
    let release;
    const held = new Promise((resolve) => { release = resolve; }), isFirst = (request) => request.postData()?.includes(`"${first}"`);
    await three.route(`**/console/api/${method}`, async (route) => { if (isFirst(route.request())) await held; await route.continue(); });
    for (const name of [first, second]) {
      await three.fill("main form input", name);
      await three.press("main form input", "Enter");
    }
    await three.waitForFunction(shown);
    const late = three.waitForResponse((answer) => isFirst(answer.request()));
    release();
    await (await late).finished();
    await three.unroute(`**/console/api/${method}`);
    await three.evaluate(() => fetch("/console/session").then((answer) => answer.text())); // behind it
    assert.ok(await three.evaluate(shown), `${method}: what was asked first has taken the place of what was asked last`);
  };
  await overtaken("channels", ["w", "n"], () => document.querySelectorAll("tbody tr").length === 1 && document.querySelector("tbody a").textContent === "news");
  await three.focus('td a >> text=news');
  await three.keyboard.press("Enter");
  await three.waitForSelector("h2 >> text=Position");
  await three.goBack();
  await three.goBack();
  await three.waitForSelector("h1 >> text=Overview");
  await three.focus(".chart");
  const read = () => three.getAttribute(".chart", "aria-valuetext");
  await three.keyboard.press("Home");
  const first = await read();
  await three.keyboard.press("End");
  assert.notEqual(await read(), first);
  assert.match(first, /^\d\d:\d\d:\d\d: connections \d/);

  // The table goes on when there are five minutes of samples, and no more become of them.
  await three.evaluate(async () => {
    const { samples } = await import("/console/figures.js");
    for (let i = 1; samples.length < 400; i++) samples.unshift({ ...samples[0], t: samples[0].t - 1_000 });
  });
  await three.click("summary");
  const newest = () => three.textContent("details tbody td");
  const before = await newest();
  await three.waitForFunction((before) => document.querySelector("details tbody td").textContent !== before, before);
  const after = await newest();
  assert.equal((Date.parse(`1970-01-01T${after}Z`) - Date.parse(`1970-01-01T${before}Z`) + 86_400_000) % 86_400_000 >= 15_000, true, `${before}, then ${after}`);
  await three.click("summary");

  // A client, by its id; and its end, which is asked for twice.
  const id = (await one.textContent("[role=status] >> text=watching as")).replace("watching as ", "");
  await three.evaluate((hash) => { location.hash = hash; }, `#/clients/${id}`);
  await three.waitForSelector(".chips >> text=weather");
  await overtaken("client", ["nobody", id], () => document.querySelector("main h2.mono")?.textContent === document.querySelector("main form input").value);
  await three.click("button >> text=Disconnect");
  await three.click("button >> text=Really?");
  await three.waitForSelector("text=1 disconnected.");
  await one.waitForSelector("text=closed by the server: forced");

  // Nothing is too wide for a phone, in any section; light and dark.
  await three.setViewportSize({ width: 360, height: 740 });
  for (const section of ["overview", "channels", "channels/news", "clients", "watch", "problems"]) {
    for (const colorScheme of ["dark", "light"]) {
      await three.emulateMedia({ colorScheme });
      await three.evaluate((hash) => { location.hash = hash; }, `#/${section}`);
      await three.waitForSelector("main h1");
      const [wide, paper] = await three.evaluate(() => [document.documentElement.scrollWidth - innerWidth, getComputedStyle(document.body).backgroundColor]);
      assert.ok(wide <= 0, `${section} is ${wide} pixels too wide`);
      assert.equal(paper, colorScheme === "dark" ? "rgb(13, 19, 17)" : "rgb(243, 245, 244)");
    }
  }
  if (pictures) {
    await three.setViewportSize({ width: 390, height: 844 });
    await three.evaluate(() => { location.hash = "#/watch/news"; });
    await three.waitForSelector(".chips li:not(.wait) >> text=news");
    await three.screenshot({ path: `${pictures}/console-phone.png` });
  }
  await three.click("#theme");
  assert.equal(await three.evaluate(() => document.documentElement.dataset.theme), "dark");
  await three.setViewportSize({ width: 1280, height: 860 });
  await three.evaluate(() => { location.hash = "#/overview"; });
  await figure(three, "Channels", "2");
  if (pictures) await three.screenshot({ path: `${pictures}/console-dark.png` });
  assert.deepEqual(faults, []);

  // Without the server it says so, and comes back.
  await context.setOffline(true);
  await three.waitForSelector("#banner >> text=does not answer");
  await context.setOffline(false);
  await three.waitForSelector("#banner", { state: "hidden" });
  await three.waitForSelector('#state[data-state="live"]');
  console.log("ok");
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
