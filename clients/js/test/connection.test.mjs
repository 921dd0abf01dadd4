import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Client } from "../wsedge.js";
import { fake, pass, record, turn } from "./fake.mjs";

test("delays are random below a bound that doubles, and begin anew after a good connection", async (t) => {
  for (const chance of [0, 0.5, 0.999]) {
    await t.test(`chance ${chance}`, async (t) => {
      const { client, socket } = await fake(t, { minDelay: 500, maxDelay: 4_000, stableAfter: 5_000 }, chance);
      const delays = [];
      client.on("connecting", ({ delay }) => delays.push(delay));
      for (let i = 0; i < 6; i++) {
        socket().end();
        await pass(delays.at(-1));
      }
      assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 4_000, 4_000].map((bound) => bound * chance));
      socket().welcome();
      await pass(4_999);
      socket().end();
      assert.equal(delays.at(-1), 4_000 * chance, "not good yet");
      await pass(delays.at(-1));
      socket().welcome();
      await pass(5_000);
      socket().end();
      assert.equal(delays.at(-1), 500 * chance);
    });
  }
});

test("retry_after_ms is waited for, and a random time more", async (t) => {
  const { client, socket, sockets } = await fake(t);
  const seen = record(client, "connecting");
  socket().welcome();
  socket().say({ type: "disconnect", code: 3001, reason: "shutdown", retry_after_ms: 7_000 });
  socket().end(3001, "shutdown");
  assert.deepEqual(seen.at(-1)[1], { code: 3001, reason: "shutdown", attempt: 1, delay: 7_250 });
  await pass(7_249);
  assert.equal(sockets.length, 1);
  await pass(1);
  assert.equal(sockets.length, 2);
  socket().end();
  assert.equal(seen.at(-1)[1].delay, 500, "it was for once");
});

test("close codes say whether to come back", async (t) => {
  const come = { 1000: 1, 1001: 1, 1002: 0, 1003: 0, 1005: 1, 1006: 1, 1007: 0, 1008: 1, 1009: 0, 1011: 1, 1012: 1, 1013: 1, 3001: 1, 3005: 1, 3008: 1,
    3012: 1, 3013: 1, 3499: 1, 3500: 0, 3501: 0, 3502: 0, 3503: 0, 3504: 0, 3505: 0, 3507: 0, 3999: 0, 4000: 1 };
  for (const [code, back] of Object.entries(come)) {
    await t.test(code, async (t) => {
      const { client, socket, sockets } = await fake(t);
      const seen = record(client, "disconnected");
      socket().welcome();
      const waiting = client.presence("news");
      socket().end(Number(code), "why");
      assert.equal(client.state, back ? "connecting" : "disconnected");
      if (back) return client.close(), assert.rejects(waiting, { code: "closed" });
      assert.deepEqual(seen, [["disconnected", { code: Number(code), reason: "why" }]]);
      await assert.rejects(waiting, { code: "disconnected", closeCode: Number(code), reason: "why" });
      await assert.rejects(client.presence("news"), { code: "closed" });
      await pass(3_600_000);
      assert.equal(sockets.length, 1);
      client.connect(); // the application knows better
      await turn();
      socket().welcome();
      assert.equal(client.state, "connected");
    });
  }
});

test("the last word counts where the close frame is lost", async (t) => {
  const { client, socket } = await fake(t);
  socket().welcome();
  socket().say({ type: "disconnect", code: 3503, reason: "forced" });
  socket().end(1006);
  assert.equal(client.state, "disconnected");
});

test("silence is asked about, and then ends the connection", async (t) => {
  const { client, socket, sockets } = await fake(t);
  const seen = record(client, "connecting");
  socket().welcome({ ping: 10 });
  await pass(10_000);
  assert.equal(socket().count("ping"), 1);
  socket().say({ type: "pong" });
  await pass(8_000);
  assert.equal(client.state, "connected");
  socket().say({ type: "pong" }); // anything heard is as good
  await pass(10_000);
  assert.equal(socket().count("ping"), 1);
  await pass(10_000);
  assert.equal(socket().count("ping"), 2);
  await pass(8_000);
  assert.equal(socket().readyState, 3);
  assert.equal(seen.at(-1)[1].reason, "no_pong");
  await pass(250);
  assert.equal(sockets.length, 2);
});

test("an attempt without a welcome is given up, and what comes of it is nothing to us", async (t) => {
  const { client, socket, sockets } = await fake(t, { timeout: 3_000 });
  const seen = record(client, "connecting");
  const first = socket();
  first.open();
  await pass(3_000);
  assert.deepEqual([seen.at(-1)[1].reason, first.readyState], ["timeout", 3]);
  await pass(250);
  first.say({ type: "welcome", client: "late", ping: 25, node: "n" });
  first.onclose({ code: 3500, reason: "late" });
  assert.deepEqual([sockets.length, client.state, client.id], [2, "connecting", undefined]);
});

test("an error without a close is an end, too; with one it counts once", async (t) => {
  const { client, socket, sockets } = await fake(t);
  const seen = record(client, "connecting");
  socket().onerror({});
  await pass(0);
  assert.deepEqual(seen.map(([, about]) => [about.code, about.reason]), [[1006, "error"]]);
  await pass(250);
  assert.equal(sockets.length, 2);
  socket().onerror({});
  socket().end(1006, "");
  await pass(0);
  assert.deepEqual([seen.length, seen.at(-1)[1].attempt, seen.at(-1)[1].reason], [2, 2, ""]);
});

/** browser has the globals of one for the time of a test, and returns the listeners by their event. */
function browser(t) {
  const listeners = {};
  globalThis.addEventListener = (event, f) => { listeners[event] = f; };
  globalThis.removeEventListener = (event) => { delete listeners[event]; };
  globalThis.document = { hidden: false, addEventListener, removeEventListener };
  t.after(() => { for (const name of ["addEventListener", "removeEventListener", "document"]) delete globalThis[name]; });
  return listeners;
}

test("looked at again it does not wait, and makes sure that the connection lives", async (t) => {
  const listeners = browser(t), { socket, sockets } = await fake(t, { minDelay: 600_000, maxDelay: 600_000 });
  const look = async (hidden) => {
    document.hidden = hidden;
    listeners.visibilitychange({ type: "visibilitychange" });
    await turn();
  };
  socket().end();
  await look(true);
  assert.equal(sockets.length, 1);
  await look(false);
  assert.equal(sockets.length, 2);
  socket().welcome();
  await look(true);
  assert.equal(socket().count("ping"), 0);
  await look(false);
  assert.equal(socket().count("ping"), 1);
});

test("back online it connects at once, and offline it asks whether the connection lives", async (t) => {
  const listeners = browser(t);
  const { client, socket, sockets } = await fake(t, { minDelay: 600_000, maxDelay: 600_000 });
  const seen = record(client, "connecting");
  socket().end();
  await pass(1_000);
  assert.equal(sockets.length, 1);
  listeners.online({ type: "online" });
  await turn();
  assert.equal(sockets.length, 2);
  listeners.online({ type: "online" });
  await turn();
  assert.equal(sockets.length, 2, "that attempt is on its way");
  socket().end();
  listeners.online({ type: "online" });
  await turn();
  assert.deepEqual(seen.map(([, about]) => about.attempt), [1, 1]);
  socket().welcome();
  listeners.offline();
  assert.equal(socket().count("ping"), 1);
  await pass(8_000);
  assert.equal(client.state, "connecting");
  client.close();
  assert.deepEqual(listeners, {});
});

test("tokens: asked for once, presented in a message, renewed before their end, kept over a break", async (t) => {
  let asked = 0;
  const { client, socket, sockets } = await fake(t, { getToken: async () => `token ${++asked}` });
  assert.equal(socket().url, "ws://edge.test/ws");
  socket().open();
  socket().say({ type: "welcome", client: "nobody", ping: 25, node: "n" }); // anonymous clients are allowed
  assert.equal(client.state, "connecting");
  assert.equal(socket().answer("connect", { type: "welcome", client: "c", user: "ann", ping: 25, node: "n", expires_in: 1000 }).token, "token 1");
  assert.deepEqual([client.state, client.user], ["connected", "ann"]);
  const alive = async (ms) => { for (; ms > 0; ms -= 5_000) { await pass(Math.min(ms, 5_000)); socket().say({ type: "pong" }); } };
  await alive(824_000);
  assert.equal(asked, 1);
  await alive(1_000); // (0.75 + 0.15 · 0.5) · 1000 s
  assert.equal(socket().answer("refresh", { type: "refreshed", expires_in: 2000 }).token, "token 2");
  await alive(1_600_000);
  assert.equal(asked, 2);
  await alive(50_000);
  assert.equal(asked, 3);
  socket().end();
  await pass(250);
  socket().open();
  assert.deepEqual([asked, socket().last("connect").token, sockets.length], [3, "token 3", 2]);
});

test("a token that is no longer good is replaced; without getToken that is the end", async (t) => {
  for (const [code, reason] of [[3005, "expired"], [3500, "token_expired"], [3500, "token_revoked"]]) {
    await t.test(reason, async (t) => {
      let asked = 0;
      const { client, socket } = await fake(t, { getToken: () => `token ${++asked}` });
      socket().open();
      socket().end(code, reason);
      await pass(250);
      socket().open();
      assert.equal(socket().last("connect").token, "token 2");
      socket().end(3500, "invalid_token");
      assert.equal(client.state, "disconnected");
    });
  }
  const { client, socket } = await fake(t, { token: "fixed" });
  socket().open();
  socket().end(3500, "token_expired");
  assert.equal(client.state, "disconnected");
});

test("a getToken that fails, or never answers, is an error, and is tried again", async (t) => {
  const answers = [() => { throw new Error("no network"); }, () => new Promise(() => {}), () => "good"];
  const { client, socket, sockets, errors } = await fake(t, { getToken: () => answers.shift()(), timeout: 2_000 });
  await turn();
  assert.deepEqual([errors, sockets.length, client.state], [["token"], 0, "connecting"]);
  await pass(250);
  await pass(2_000);
  assert.deepEqual([errors, sockets.length], [["token", "token"], 0]);
  await pass(500);
  socket().open();
  assert.equal(socket().last("connect").token, "good");
});

test("a refresh that fails is tried again", async (t) => {
  const answers = ["first", new Error("no network"), "second", "third"];
  const getToken = () => { const a = answers.shift(); if (a instanceof Error) throw a; return a; };
  const { socket, errors } = await fake(t, { getToken, timeout: 20_000 });
  socket().open();
  socket().answer("connect", { type: "welcome", client: "c", ping: 25, node: "n", expires_in: 10 });
  await pass(8_250);
  assert.deepEqual(errors, ["token"]);
  await pass(250);
  socket().answer("refresh", { type: "error", code: "permission_denied", message: "the token is of another user" });
  assert.deepEqual(errors, ["token", "permission_denied"]);
  await pass(500);
  assert.equal(socket().last("refresh").token, "third");
});

test("a token that comes for an attempt which is over makes no connection", async (t) => {
  const answer = [];
  const { client, socket, sockets } = await fake(t, { getToken: () => new Promise((resolve) => answer.push(resolve)) });
  client.close();
  client.connect();
  answer[1]("second");
  await turn();
  answer[0]("first");
  await turn();
  socket().open();
  assert.deepEqual([sockets.length, socket().last("connect").token], [1, "second"]);
});

test("close ends everything; connect begins again", async (t) => {
  const { client, socket, sockets } = await fake(t);
  socket().welcome();
  const sub = client.subscribe("news"), taken = [];
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 3 });
  const loop = (async () => { for await (const m of sub) taken.push(m.offset); })();
  socket().say({ type: "message", channel: "news", data: 1, offset: 4 });
  const waiting = client.publish("news", 1);
  client.close();
  await assert.rejects(waiting, { code: "closed" });
  await loop;
  assert.deepEqual([taken, client.state, sub.state, socket().readyState], [[4], "disconnected", "subscribing", 3]);
  await pass(100_000);
  assert.equal(sockets.length, 1);
  client.connect();
  await turn();
  socket().welcome();
  assert.deepEqual(socket().last("subscribe").recover, { epoch: "e", offset: 4 });
});

test("a listener may close the client whatever it listens to", async (t) => {
  for (const [event, act] of [["connecting", (s) => s.end()], ["connected", (s) => s.welcome()], ["state", (s) => s.welcome()]]) {
    await t.test(event, async (t) => {
      const { client, socket, sockets } = await fake(t);
      client.subscribe("news");
      client.on(event, () => client.close());
      const told = record(client, "connected");
      act(socket());
      await pass(100_000);
      assert.deepEqual([client.state, sockets.length, socket().count("subscribe")], ["disconnected", 1, 0]);
      if (event === "state") assert.deepEqual(told, [], "it is not so any more");
    });
  }
  const { client, socket, sockets } = await fake(t);
  socket().welcome();
  const sub = client.subscribe("news");
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 3 });
  sub.on("subscribing", () => client.close());
  socket().end();
  await pass(100_000);
  assert.deepEqual([client.state, sockets.length], ["disconnected", 1]);
});

test("a listener that throws harms no other", async (t) => {
  const { client, socket } = await fake(t);
  const seen = record(client, "connected"), thrown = [];
  client.on("connected", () => { throw new Error("oops"); });
  const after = record(client, "connected");
  t.mock.method(globalThis, "queueMicrotask", (f) => { try { f(); } catch (error) { thrown.push(error.message); } });
  socket().welcome();
  assert.deepEqual([seen.length, after.length, thrown], [1, 1, ["oops"]]);
});

test("addresses, and what is missing", () => {
  const WebSocket = class {};
  const url = (address) => new Client(address, { WebSocket, autoConnect: false })._url;
  assert.equal(url("http://edge.test/ws"), "ws://edge.test/ws");
  assert.equal(url("https://edge.test/ws"), "wss://edge.test/ws");
  assert.equal(url(new URL("wss://edge.test/ws")), "wss://edge.test/ws");
  assert.throws(() => url("/ws"), TypeError);
  globalThis.location = { href: "https://page.test/a/b" };
  assert.equal(url("/ws"), "wss://page.test/ws");
  delete globalThis.location;
  if (!globalThis.WebSocket) assert.throws(() => new Client("ws://edge.test/ws"), /WebSocket/);
  mock.reset();
});
