// Networks that break, and servers that die, under a real client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, happens, network, serve } from "./server.mjs";

const keeping = ["--history-size", "10000", "--recover"];

/** watch subscribes, and keeps the data of what comes. */
async function watch(client, channel) {
  const sub = client.subscribe(channel), got = [];
  sub.on("message", (m) => got.push(m.data));
  if (sub.state !== "subscribed") await happens(sub, "subscribed");
  return { sub, got };
}

test("publish and receive, presence and history", async (t) => {
  const server = await serve(t, ...keeping);
  const [one, two] = [connect(t, server.port), connect(t, server.port)];
  const { sub, got } = await watch(one, "news");
  const { got: all } = await watch(two, "news");
  const { got: wild } = await watch(two, "chat:*");
  assert.equal((await sub.publish({ n: 1 }, { excludeSelf: true })).offset, 1);
  assert.deepEqual(await server.api("publish", { channel: "news", data: "grüße" }).then((r) => [r.offset, r.matched]), [2, 2]);
  await one.publish("chat:1", "hello");
  await eventually("three messages", () => all.length === 2 && wild.length === 1 && got.length === 1);
  assert.deepEqual([got, all, wild], [["grüße"], [{ n: 1 }, "grüße"], ["hello"]]);
  assert.equal((await two.presence("news")).count, 2);
  const page = await two.history("news", { limit: 1 });
  assert.deepEqual([page.offset, page.publications.map((p) => p.data)], [2, ["grüße"]]);
  sub.unsubscribe();
  await eventually("one subscriber", async () => (await two.presence("news")).count === 1);
  await assert.rejects(two.publish("no spaces", 1), { code: "bad_channel" });
  assert.deepEqual([one.errors, two.errors], [[], []]);
});

test("a network that breaks, ten times: everything once and in order", async (t) => {
  const server = await serve(t, ...keeping), net = await network(t, server.port);
  const client = connect(t, net.port), { sub, got } = await watch(client, "news");
  const ends = [];
  client.on("connecting", ({ code }) => ends.push(code));
  let n = 0;
  const publish = () => server.api("publish", { channel: "news", data: ++n });
  for (let i = 0; i < 10; i++) {
    await publish();
    await eventually("live", () => got.length === n);
    const back = happens(sub, "subscribed");
    net.cut();
    for (let j = 0; j < 20; j++) await publish();
    net.mend();
    assert.equal((await back).recovered, true);
    await eventually("what was missed", () => got.length === n);
  }
  assert.deepEqual(got, Array.from({ length: n }, (_, i) => i + 1));
  assert.ok(ends.length >= 10 && ends.every((code) => code === 1006), String(ends));
});

test("forty breaks at any moment, while everybody publishes: everything once, and each channel in order", async (t) => {
  const server = await serve(t, ...keeping), net = await network(t, server.port);
  const client = connect(t, net.port, { timeout: 60_000, maxDelay: 20 }), { got: all } = await watch(client, "feed"), { got: own } = await watch(client, "own");
  const said = [];
  let breaking = true, n = 0;
  const backend = (async () => { while (breaking) await server.api("publish", { channel: "feed", data: ++n }); })();
  const page = (async () => { while (breaking) said.push((await client.publish("own", said.length + 1)).offset); })();
  for (let i = 0; i < 40; i++) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60)); // whenever: in a handshake, in a recovery, in the midst of a frame
    net.cut();
    net.mend();
  }
  breaking = false;
  await Promise.all([backend, page]);
  await eventually("all of it", () => all.length >= n && own.length >= said.length);
  const upTo = (last) => Array.from({ length: last }, (_, i) => i + 1);
  assert.deepEqual([all, own, said], [upTo(n), upTo(said.length), upTo(said.length)]);
});

test("a publish whose answer is lost takes place once", async (t) => {
  const server = await serve(t, ...keeping), net = await network(t, server.port);
  const watcher = connect(t, server.port), { got } = await watch(watcher, "news");
  const client = connect(t, net.port);
  await happens(client, "connected");
  net.mute();
  const done = client.publish("news", "once");
  await eventually("the server has it", () => got.length === 1);
  net.cut();
  const queued = client.publish("news", "while there is no network");
  net.mend();
  assert.deepEqual([(await done).offset, (await queued).offset], [1, 2]);
  await eventually("both", () => got.length === 2);
  assert.deepEqual((await watcher.history("news")).publications.map((p) => p.data), ["once", "while there is no network"]);
});

test("kill -9: what was in memory is gone, and the application is told", async (t) => {
  const server = await serve(t, ...keeping);
  const client = connect(t, server.port), { sub, got } = await watch(client, "news");
  await client.publish("news", "before");
  await eventually("live", () => got.length === 1);
  const before = sub.position;
  const gone = happens(client, "connecting"), back = happens(sub, "subscribed");
  await server.end("SIGKILL");
  assert.equal((await gone).code, 1006);
  const meanwhile = client.publish("news", "while it is dead", { timeout: 30_000 });
  await server.start();
  const { recovered, epoch } = await back;
  assert.deepEqual([recovered, epoch === before.epoch], [false, false]);
  assert.equal((await meanwhile).offset, 1);
  await eventually("live again", () => got.length === 2);
  assert.deepEqual(got, ["before", "while it is dead"]);
});

test("a server that hangs is noticed; when it goes on, nothing is missing", async (t) => {
  const server = await serve(t, ...keeping, "--ping-interval", "1s");
  const client = connect(t, server.port, { pongTimeout: 300, timeout: 1_000 }), { got } = await watch(client, "news");
  await client.publish("news", 1, { timeout: 30_000 });
  const noticed = happens(client, "connecting", ({ reason }) => reason === "no_pong");
  server.process.kill("SIGSTOP");
  await noticed;
  const done = client.publish("news", 2, { timeout: 30_000 });
  server.process.kill("SIGCONT");
  await done;
  await eventually("both", () => got.length === 2);
  assert.deepEqual(got, [1, 2]);
});

test("a shutdown: the client comes back when it was asked to", async (t) => {
  const server = await serve(t, ...keeping);
  const client = connect(t, server.port), { sub } = await watch(client, "news");
  const told = happens(client, "connecting"), back = happens(sub, "subscribed");
  const spoken = [];
  const receive = client._receive;
  client._receive = function (m) { spoken.push(m); return receive.call(this, m); };
  await server.end("SIGTERM");
  const { code, reason, delay } = await told;
  assert.deepEqual([code, reason], [3001, "shutdown"]);
  assert.ok(delay >= spoken.find((m) => m.type === "disconnect").retry_after_ms);
  await server.start();
  await back;
});

test("ten thousand messages by for await", async (t) => {
  const server = await serve(t, ...keeping);
  const client = connect(t, server.port), { sub } = await watch(client, "news");
  const messages = sub.messages({ limit: 10_000 });
  for (let i = 0; i < 10; i++) {
    await server.api("batch", { commands: Array.from({ length: 1_000 }, (_, j) => ({ method: "publish", params: { channel: "news", data: i * 1_000 + j } })) });
  }
  let n = 0;
  for await (const m of messages) {
    assert.equal(m.data, n++);
    if (n === 10_000) break;
  }
});

// Node's own WebSocket can't be told to stop reading.
if (!process.env.WSEDGE_GLOBAL_WEBSOCKET) {
  for (const [policy, refill] of [["drop-oldest", undefined], ["skip-to-history", true]]) {
    test(`a client that does not read for a while: ${policy}`, async (t) => {
      const server = await serve(t, ...keeping, "--slow", policy, "--outbound-max", "200000", "--outbound-max-age", "10m", "--ping-interval", "1h"); // as long as it takes
      const client = connect(t, server.port), { sub, got } = await watch(client, "news");
      const gaps = [];
      sub.on("gap", (gap) => gaps.push(gap));
      const socket = client._socket._socket;
      socket.pause();
      const text = "x".repeat(50_000), last = 400; // far more than the kernel's buffers take
      for (let i = 1; i <= last; i++) await server.api("publish", { channel: "news", data: text + i });
      socket.resume();
      await eventually("the last one", () => got.at(-1) === text + last);
      assert.ok(gaps.length > 0 && gaps.every((gap) => gap.refill === refill));
      const numbers = got.map((data) => Number(data.slice(text.length)));
      const missing = new Set(gaps.filter((gap) => !gap.refill).flatMap(({ after, before }) => Array.from({ length: before - after - 1 }, (_, i) => after + 1 + i)));
      assert.deepEqual([...numbers, ...missing].sort((a, b) => a - b), Array.from({ length: last }, (_, i) => i + 1), "each came, or was announced as missing");
      assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
    });
  }
}
