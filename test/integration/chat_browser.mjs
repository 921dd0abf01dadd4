// Chromium as a member of wschat and of the examples. Usage: node chat_browser.mjs hello ADDRESS, or handler PROGRAM of the example's
//   or: node chat_browser.mjs client|group|page PROGRAM [PICTURE], where PROGRAM is wschat's, which is started and ended here
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [conversation, target, picture] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), "wsedge-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  viewport: { width: 560, height: 640 },
  colorScheme: "light",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Server is a wschat that can be ended and started again, at the same address. */
class Server {
  address = "127.0.0.1:0";
  constructor(...args) { this.args = args; }
  async start() {
    this.process = spawn(target, ["-addr", this.address, ...this.args], { stdio: ["ignore", "ignore", "pipe"] });
    this.ended = once(this.process, "exit");
    for await (const line of createInterface(this.process.stderr)) {
      const [, address, rest] = /listening addr=(\S+)(.*)/.exec(line) ?? [];
      if (address) { [this.address, this.rest] = [address, rest]; break; }
    }
    this.process.stderr.resume();
    assert.equal(this.process.exitCode, null, "wschat did not start");
    return this;
  }
  async end(signal = "SIGTERM") { this.process.kill(signal); await this.ended; }
}

/** blank is a page of no origin, as one opened from a file is. */
async function blank() {
  const page = await context.newPage();
  page.on("pageerror", (error) => { throw error; });
  return page;
}

const conversations = {
  async hello() {
    const page = await blank();
    const seen = await page.evaluate((url) => new Promise((resolve) => {
      const ws = new WebSocket(url), seen = [];
      ws.onopen = () => { seen.push("open"); ws.send("你好，服务器!"); };
      ws.onmessage = ({ data }) => { seen.push(data); ws.close(); };
      ws.onclose = ({ code, wasClean }) => resolve([...seen, code, wasClean]);
    }), `ws://${target}`);
    assert.deepEqual(seen, ["open", "你好, client!", 1005, true]);
  },

  // Pages of two origins, one of which may connect; and pushes to all and to one.
  async handler() {
    const host = async () => {
      const site = http.createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>a shop</title>"));
      await once(site.listen(0, "127.0.0.1"), "listening");
      return { site, origin: `http://127.0.0.1:${site.address().port}` };
    };
    const [shop, stranger] = [await host(), await host()];
    const server = await new Server("-push-addr", "127.0.0.1:0", "-origins", shop.origin).start(), [, pushes] = /push=(\S+)/.exec(server.rest);
    const open = async ({ origin }, user) => {
      const page = await context.newPage();
      await page.goto(origin);
      const result = await page.evaluate((url) => new Promise((resolve) => {
        const ws = window.ws = new WebSocket(url);
        window.got = [];
        ws.onopen = () => resolve("open");
        ws.onmessage = ({ data }) => got.push(data);
        ws.onclose = ({ code }) => resolve(code);
      }), `ws://${server.address}/?user=${user}`);
      return { page, result };
    };
    const push = async (text, query = "") => Number(await (await fetch(`http://${pushes}/push${query}`, { method: "POST", body: text })).text());
    assert.equal((await open(stranger, "eve")).result, 1006);
    const [ann, ben] = [await open(shop, "ann"), await open(shop, "ben")];
    assert.deepEqual([ann.result, ben.result], ["open", "open"]);
    await ann.page.evaluate(() => ws.send("hello"));
    await ann.page.waitForFunction(() => got.length === 1);
    assert.deepEqual([await push("to all"), await push("to ben", "?user=ben")], [2, 1]);
    await ben.page.waitForFunction(() => got.length === 2);
    await ann.page.waitForFunction(() => got.length === 2);
    assert.deepEqual(await ann.page.evaluate(() => got), ["received: hello", "to all"]);
    assert.deepEqual(await ben.page.evaluate(() => got), ["to all", "to ben"]);
    for (const { site } of [shop, stranger]) { site.closeAllConnections(); site.close(); }
    await server.end();
  },

  // The tutorial's client class, as the page has it, on every path: its events, its delays, and its end after five attempts.
  async client() {
    const server = await new Server("-root", "node").start(), page = await context.newPage();
    await page.goto(`http://${server.address}/`);
    await page.evaluate((address) => {
      window.delays = [];
      const wait = window.setTimeout;
      window.setTimeout = (what, delay) => { delays.push(delay); return wait(what, delay / 50); }; // so that nobody waits for half a minute
      window.open_ = (path) => {
        const line = new Line(`ws://${address}${path}`), events = [];
        line.on = {
          connected: () => events.push("connected"), disconnected: () => events.push("disconnected"), error: () => events.push("error"),
          message: (m) => events.push(m), waiting: (seconds) => seconds ?? events.push("gave up"),
        };
        line.connect();
        return { line, events };
      };
    }, server.address);
    const first = (path, send) => page.evaluate(async ([path, send]) => {
      const { line, events } = open_(path);
      while (events[0] !== "connected") await new Promise((r) => requestAnimationFrame(r));
      if (send) line.send(send);
      while (events.length < 2) await new Promise((r) => requestAnimationFrame(r));
      line.comeBack = () => {};
      line.ws.close();
      return events[1];
    }, [path, send]);
    assert.equal((await first("/")).type, "welcome");
    assert.equal((await first("/node")).type, "welcome");
    assert.equal((await first("/python")).type, "welcome");
    assert.deepEqual(await first("/rooms", { type: "join", room: "tea", username: "ann" }), { type: "system", message: "ann joined the room" });
    assert.deepEqual(await first("/group", "hi"), { type: 2, message: '"hi"' });

    await page.evaluate(() => { window.kept = open_("/node"); });
    await page.waitForFunction(() => kept.events.length === 2);
    await page.evaluate(() => { delays.length = 0; line.comeBack = () => {}; }); // the page's own line is to stay away
    await server.end("SIGKILL");
    await page.waitForFunction(() => kept.events.at(-1) === "gave up");
    const [delays, events] = await page.evaluate(() => [delays.slice(0, 9), kept.events]);
    assert.equal(delays.length, 5);
    delays.forEach((delay, i) => assert.ok(delay >= 1000 * 2 ** i && delay <= 1200 * 2 ** i, `${delays}`));
    assert.deepEqual(events.slice(2), [...["disconnected"], ...Array(5).fill(["error", "disconnected"]).flat(), "gave up"]);
    await server.start();
    await page.evaluate(() => kept.line.connect());
    await page.waitForFunction(() => kept.events.at(-2) === "connected" && kept.line.attempts === 0);
    await server.end();
  },

  // The tutorial's page: texts in a list, heartbeats passed over, and back five seconds after the line is lost.
  async group() {
    const server = await new Server("-root", "group", "-beat", "200ms").start(), page = await blank();
    await page.evaluate((url) => {
      window.list = []; window.beats = 0; window.opened = 0;
      (function connect() {
        const ws = window.ws = new WebSocket(url);
        ws.addEventListener("open", () => opened++);
        ws.addEventListener("message", ({ data }) => { const m = JSON.parse(data); m.type === 2 ? list.push(m.message) : beats++; });
        ws.onclose = () => setTimeout(connect, 5000);
      })();
    }, `ws://${server.address}`);
    await page.waitForFunction(() => opened === 1 && beats > 1);
    await page.evaluate(() => ws.send("大家好"));
    await page.waitForFunction(() => list.length === 1);
    await server.end("SIGKILL");
    await server.start();
    await page.waitForFunction(() => opened === 2);
    await page.evaluate(() => ws.send("again"));
    await page.waitForFunction(() => list.length === 2);
    assert.deepEqual(await page.evaluate(() => list), ["大家好", "again"]);
    await server.end();
  },

  // Two people, one in Chinese and one in English, and a server that is ended and started again between them.
  async page() {
    const server = await new Server("-push-log", join(profile, "push.log")).start(), faults = [];
    const enter = async (lang, name) => {
      const page = await context.newPage();
      page.on("pageerror", (error) => faults.push(error.message));
      await page.goto(`http://${server.address}/?lang=${lang}&room=tea`);
      await page.waitForSelector('#state[data-state="open"]');
      await page.fill("#name", name);
      await page.press("#name", "Enter");
      return page;
    };
    const write = async (page, text) => { await page.fill("#text", text); await page.press("#text", "Enter"); };
    const one = await enter("zh", "小明");
    await one.waitForSelector("#log .system >> text=小明 加入了房间"); // who joins sees its own notice
    const two = await enter("en", "Ann");
    await one.waitForSelector("#log .system >> text=Ann 加入了房间");
    await two.locator("#text").pressSequentially("Hi");
    await one.waitForSelector("#typing >> text=Ann 正在输入");
    assert.equal(await two.textContent("#typing"), "");
    await write(two, "Hi! <b>not bold</b>");
    await one.waitForSelector("#log li >> text=Hi! <b>not bold</b>");
    await two.waitForSelector("#log li.mine >> text=✓ to 2");
    await write(one, "你好，Ann！");
    await two.waitForSelector("#log li >> text=你好，Ann！");
    await two.waitForSelector("#log li b >> text=小明");

    const members = async () => /wschat_members\{path="rooms"\} (\d+)/.exec(await (await fetch(`http://${server.address}/metrics`)).text())[1];
    await two.evaluate(() => { line.connect(); line.connect(); }); // as a second click, or a second "online", does
    await two.evaluate((url) => new Promise((resolve) => { new WebSocket(url).onopen = (event) => { event.target.onclose = resolve; event.target.close(); }; }),
      `ws://${server.address}/node`); // behind which those would be
    assert.equal(await members(), "2");

    await server.end();
    for (const page of [one, two]) await page.waitForSelector('#state[data-state="waiting"]');
    await write(two, "written while the server was away");
    await two.waitForSelector("#log li.mine >> text=sending…");
    await server.start();
    for (const page of [one, two]) await page.waitForSelector('#state[data-state="open"]');
    await two.waitForSelector('#log li.mine:has-text("written while") >> text=✓ to');
    await write(one, "回来了");
    await two.waitForSelector("#log li >> text=回来了");
    await write(two, "Welcome back!");
    await one.waitForSelector("#log li >> text=Welcome back!");
    const mine = await two.locator("#log li.mine").count(), copies = await one.locator("#log li >> text=written while").count();
    assert.equal(mine, 3);
    assert.ok(copies <= 1, `${copies} copies`); // none where the other came back later: nothing is stored
    if (picture) {
      await one.bringToFront();
      await one.locator("#text").pressSequentially("…");
      await one.screenshot({ path: picture.replace(/(\.\w+)$/, "-zh$1") });
      await two.bringToFront();
      await two.waitForSelector("#typing >> text=小明 is typing…");
      await two.screenshot({ path: picture });
    }
    await one.click("#language");
    await one.waitForSelector("#state >> text=connected");
    await two.close();
    await one.waitForSelector("#log .system >> text=Ann left the room");
    assert.deepEqual(faults, []);
    await server.end();
  },
};

try {
  await conversations[conversation]();
  console.log("ok");
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
