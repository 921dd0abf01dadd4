// A page in a real Chromium: each text that it comes to show is a line of the output. Ends with its standard input.
// Usage: node page.mjs URL SELECTOR
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, selector] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), "wsedge-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await context.newPage();
  page.on("pageerror", (error) => console.log(`error: ${error.message}`));
  await page.exposeFunction("shown", (text) => console.log(text));
  await page.addInitScript((selector) => {
    const told = new WeakMap();
    const look = () => document.querySelectorAll(selector).forEach((element) => {
      const text = element.textContent.trim();
      if (told.get(element) !== text) shown(text);
      told.set(element, text);
    });
    new MutationObserver(look).observe(document, { childList: true, characterData: true, subtree: true });
  }, selector);
  await page.goto(url);
  await once(process.stdin.resume(), "end");
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
