import assert from "node:assert/strict";
import { test } from "node:test";
import { fake, pass, turn } from "./fake.mjs";

test("a publish that the break has cut is said again with its key, and resolves once", async (t) => {
  const { client, socket, breakDown } = await fake(t);
  const early = client.publish("news", { n: 1 }); // before there is a connection
  socket().welcome();
  const first = socket().last("publish");
  assert.deepEqual([first.data, first.idempotency_key.length > 20], [{ n: 1 }, true]);
  socket().end();
  const late = client.publish("news", { n: 2 }, { idempotencyKey: "mine", excludeSelf: true });
  await pass(250);
  socket().welcome();
  const again = socket().sent.filter((m) => m.type === "publish");
  assert.deepEqual([again[0], again[1].idempotency_key, again[1].exclude_self], [first, "mine", true]);
  for (const m of again) socket().say({ type: "published", id: m.id, channel: "news", offset: m.data.n });
  assert.deepEqual([(await early).offset, (await late).offset], [1, 2]);
  await breakDown();
  assert.equal(socket().count("publish"), 0);
});

test("without a key it is not said twice", async (t) => {
  const { client, socket } = await fake(t);
  socket().welcome();
  const sent = client.publish("news", 1, { idempotencyKey: null });
  assert.equal("idempotency_key" in socket().last("publish"), false);
  socket().end();
  await assert.rejects(sent, { code: "connection_lost" });
  const unsent = client.publish("news", 2, { idempotencyKey: null });
  await pass(250);
  socket().welcome();
  socket().answer("publish", { type: "published", offset: 9 });
  assert.equal((await unsent).offset, 9);
});

test("data is what it was when it was given", async (t) => {
  const { client, socket } = await fake(t);
  const data = { n: 1 };
  const done = client.publish("news", data);
  data.n = 2;
  socket().welcome();
  assert.deepEqual(socket().last("publish").data, { n: 1 });
  socket().answer("publish", { type: "published", offset: 1 });
  await done;
  await assert.rejects(client.publish("news"), TypeError);
  await assert.rejects(client.publish("news", 1n), TypeError);
});

test("commands have their time, connected or not", async (t) => {
  const { client, socket } = await fake(t, { timeout: 4_000 });
  const queued = client.history("news");
  const longer = client.presence("news", { timeout: 5_000 });
  await Promise.all([pass(4_000), assert.rejects(queued, { code: "timeout", name: "WsedgeError" })]);
  await pass(250);
  socket().welcome();
  assert.deepEqual([socket().count("history"), socket().count("presence")], [0, 1]);
  await Promise.all([pass(750), assert.rejects(longer, { code: "timeout" })]);
  socket().answer("presence", { type: "presence", count: 1 }); // too late, and no harm
});

test("what is refused for now is tried again until its time is over", async (t) => {
  const { client, socket } = await fake(t);
  socket().welcome();
  const done = client.publish("news", 1);
  for (const [code, delay] of [["rate", 250], ["unavailable", 500], ["rate", 1_000]]) {
    const before = socket().count("publish");
    socket().answer("publish", { type: "error", code, message: "later" });
    await pass(delay - 1);
    assert.equal(socket().count("publish"), before);
    await pass(1);
    assert.equal(socket().count("publish"), before + 1);
  }
  socket().answer("publish", { type: "published", offset: 5 });
  assert.equal((await done).offset, 5);
  const never = client.publish("news", 2, { timeout: 100 });
  socket().answer("publish", { type: "error", code: "rate", message: "too many publications a second" });
  await Promise.all([pass(100), assert.rejects(never, { code: "rate", message: "too many publications a second", channel: "news" })]);
  const denied = client.publish("news", 3);
  socket().answer("publish", { type: "error", code: "permission_denied", message: "not allowed in this channel" });
  await assert.rejects(denied, { code: "permission_denied" });
});

test("a refused command that waits is said once after a break", async (t) => {
  const { client, socket, breakDown } = await fake(t);
  socket().welcome();
  const done = client.publish("news", 1);
  for (const delay of [250, 0]) {
    socket().answer("publish", { type: "error", code: "rate", message: "later" });
    await pass(delay);
  }
  await breakDown(); // after 250 ms; the command was to wait for 500
  await pass(1_000);
  assert.equal(socket().count("publish"), 1);
  socket().answer("publish", { type: "published", offset: 5 });
  await done;
});

test("64 are on their way at a time, 1,000 wait, and a subscribe need not", async (t) => {
  const { client, socket } = await fake(t);
  const all = Array.from({ length: 1_000 }, (_, n) => client.publish("news", n));
  await assert.rejects(client.publish("news", "one more"), { code: "queue_full" });
  socket().welcome();
  assert.equal(socket().count("publish"), 64);
  client.subscribe("chat");
  for (let answered = 0; answered < 1_000; answered++) {
    const m = socket().sent.filter((c) => c.type === "publish")[answered];
    assert.equal(m.data, answered);
    socket().say({ type: "published", id: m.id, channel: "news", offset: answered + 1 });
    if (answered === 0) assert.equal(socket().sent.at(-1).type, "subscribe");
  }
  assert.equal((await Promise.all(all)).at(-1).offset, 1_000);
});

test("after a break the order is what it was", async (t) => {
  const { client, socket, breakDown } = await fake(t);
  socket().welcome();
  const all = Promise.allSettled(Array.from({ length: 70 }, (_, n) => client.publish("news", n)));
  await breakDown();
  assert.deepEqual(socket().sent.slice(0, 64).map((m) => m.data), Array.from({ length: 64 }, (_, n) => n));
  client.close();
  await all;
});

test("what is too large is not sent: the server would close the connection for good", async (t) => {
  const { client, socket } = await fake(t, { maxMessageBytes: 1_000 });
  socket().welcome();
  await assert.rejects(client.publish("news", "ü".repeat(500)), { code: "too_large" });
  assert.equal(socket().count("publish"), 0);
  const fits = client.publish("news", "ü".repeat(400));
  socket().answer("publish", { type: "published", offset: 1 });
  await fits;
});

test("pages of the history, with bytes as bytes", async (t) => {
  const { client, socket } = await fake(t);
  socket().welcome();
  const page = client.history("news", { limit: 2, since: { epoch: "e", offset: 7 } });
  const asked = socket().answer("history", { type: "history", epoch: "e", offset: 9, recovered: true,
    publications: [{ data: "AAH/", encoding: "base64", offset: 8 }, { data: { x: 1 }, offset: 9 }] });
  assert.deepEqual([asked.limit, asked.since], [2, { epoch: "e", offset: 7 }]);
  const { publications, recovered } = await page;
  assert.deepEqual([recovered, publications], [true, [{ data: Uint8Array.of(0, 1, 255), offset: 8 }, { data: { x: 1 }, offset: 9 }]]);
});

test("an error that belongs to no command is an event", async (t) => {
  const { client, socket, errors } = await fake(t);
  socket().welcome();
  socket().say({ type: "error", code: "limit", message: "too many channels", channel: "given" });
  assert.deepEqual(errors, ["limit"]);
  const sub = client.subscribe("news"), own = [];
  sub.on("error", (error) => own.push(error.code));
  socket().say({ type: "error", code: "bad_request", message: "beyond the channel's end", channel: "news" });
  await turn();
  assert.deepEqual([errors, own], [["limit"], ["bad_request"]]);
});
