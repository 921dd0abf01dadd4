// Two tabs of a real Chromium on the demo page: what is published in one is seen in the other.
// Usage: node browser.mjs ADDRESS SCREENSHOT
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [address, screenshot] = process.argv.slice(2);
const secure = process.env.WSEDGE_TLS ? "s" : "";
const profile = await mkdtemp(join(tmpdir(), "wsedge-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1100, height: 840 },
  colorScheme: "light",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const faults = [];
  const open = async () => {
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    await page.goto(`http${secure}://${address}/`);
    await page.waitForSelector('#state[data-state="open"]');
    return page;
  };
  const subscribe = async (page, channel) => {
    await page.fill("#channel", channel);
    await page.press("#channel", "Enter");
    await page.waitForSelector(`#channels li:not(.wait) >> text=${channel}`);
  };
  const publish = async (page, channel, data) => {
    await page.fill("#to", channel);
    await page.fill("#data", data);
    await page.press("#data", "Control+Enter");
  };
  const [one, two] = [await open(), await open()];
  const extensions = await one.evaluate((url) => new Promise((resolve, reject) => {
    const ws = new WebSocket(url);
    ws.onopen = () => { resolve(ws.extensions); ws.close(); };
    ws.onerror = reject;
  }), `ws${secure}://${address}/ws`);
  assert.match(extensions, /^permessage-deflate/);
  await subscribe(one, "weather");
  await subscribe(two, "weather");
  await publish(one, "news", '{"title":"wsedge is live","edition":1}');
  await two.waitForSelector("#log code >> text=wsedge is live");
  await publish(one, "weather", "cloudy ".repeat(500)); // long enough to be compressed
  await two.waitForSelector("#log code >> text=cloudy cloudy");
  await publish(two, "weather", "Sunny at the edge, 21 degrees");
  for (const page of [one, two]) await page.waitForSelector("#log code >> text=Sunny at the edge");
  await one.waitForFunction(() => document.getElementById("count").textContent === "2");
  if (screenshot) {
    await one.bringToFront();
    await one.waitForTimeout(1500); // the arrival of a message is animated
    await one.screenshot({ path: screenshot });
  }
  // A tab that goes is no longer counted, and the other goes on.
  await two.close();
  await one.waitForFunction(() => document.getElementById("count").textContent === "1");
  assert.deepEqual(faults, []);
  console.log("ok");
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
