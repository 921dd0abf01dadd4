// A real Chromium on the console of a server with API keys: login, what a key opens, logout.
// Usage: node browser_login.mjs ADMIN-ADDRESS READER-KEY MANAGER-KEY
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [address, reader, manager] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
try {
  const context = await browser.newContext({ viewport: { width: 1100, height: 840 } });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
  const login = async (key) => {
    await page.waitForSelector("#key");
    await page.fill("#key", key);
    await page.press("#key", "Enter");
  };
  await page.goto(`http://${address}/#/watch/news`);
  await page.waitForSelector("#key");
  assert.deepEqual(faults, []);
  await login("no key of this node");
  await page.waitForSelector("[role=alert] >> text=no such API key");
  faults.length = 0; // the browser says so as well
  await login(reader);
  await page.waitForSelector(".chips li:not(.wait) >> text=news"); // where one wanted to go
  assert.equal(await page.$("#publish"), null, "a reader is shown how to publish");
  assert.equal(await page.evaluate(() => document.cookie), "", "a script reads the cookie");
  await page.reload(); // the login stays
  await page.waitForSelector(".chips li:not(.wait) >> text=news");
  await page.click("#logout");
  await login(manager);
  await page.waitForSelector("#publish");
  await page.waitForSelector(".chips li:not(.wait) >> text=news");
  await page.fill("#data", "told by the console");
  await page.press("#data", "Control+Enter");
  await page.waitForSelector(".log code >> text=told by the console");
  // A second tab that logs out takes the first along.
  const other = await context.newPage();
  await other.goto(`http://${address}/`);
  await other.click("#logout");
  await other.waitForSelector("#key");
  await page.bringToFront();
  await page.waitForSelector("#key");
  faults.length = 0; // 401, once
  assert.deepEqual(await context.cookies(), []);
  await login(reader); // who may be somebody else
  await page.waitForSelector(".chips li:not(.wait) >> text=news");
  assert.equal(await page.$(".log code"), null, "what the one before has watched is still there");
  console.log("ok");
} finally {
  await browser.close();
}
