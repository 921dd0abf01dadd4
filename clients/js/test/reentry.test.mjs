// What listeners do at once, and what two wishes for the same channel come to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fake, pass, record, turn } from "./fake.mjs";

test("a subscription that is made when the client has connected is asked for once", async (t) => {
  for (const event of ["state", "connected"]) {
    await t.test(event, async (t) => {
      const { client, socket } = await fake(t);
      client.once(event, () => client.subscribe("news"));
      socket().welcome();
      assert.equal(socket().count("subscribe"), 1);
      socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10 });
      assert.equal(client.subscriptions.get("news").state, "subscribed");
    });
  }
});

test("a listener that closes and connects again does not have two attempts", async (t) => {
  const { client, socket, sockets } = await fake(t);
  socket().welcome();
  const sub = client.subscribe("news");
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10 });
  sub.once("subscribing", () => {
    client.close();
    client.connect();
  });
  socket().end(1006);
  await turn();
  assert.equal(sockets.length, 2);
  socket().welcome();
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10, recovered: true });
  await pass(1_000);
  assert.deepEqual([sockets.length, socket().readyState, client.state, sub.state], [2, 1, "connected", "subscribed"]);
});

test("connect() counts, also while the client is ending", async (t) => {
  const { client, socket, sockets } = await fake(t);
  socket().welcome();
  const sub = client.subscribe("news");
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10 });
  sub.once("subscribing", () => client.connect());
  socket().end(3503, "forced");
  await turn();
  assert.deepEqual([client.state, sockets.length], ["connecting", 2]);
});

test("who subscribes to what the server had given has it, though the server gives it no more", async (t) => {
  const { client, socket, breakDown } = await fake(t);
  socket().welcome();
  socket().say({ type: "subscribed", channel: "news", epoch: "e", offset: 5 });
  const sub = client.subscriptions.get("news");
  await breakDown();
  assert.equal(socket().count("subscribe"), 0);
  assert.equal(client.subscribe("news"), sub);
  assert.deepEqual([socket().last("subscribe").recover, sub.serverSide], [{ epoch: "e", offset: 5 }, false]);
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 5, recovered: true });
  await breakDown();
  assert.equal(socket().count("subscribe"), 1, "it is the client's own now");
});

test("a wildcard that overlaps another is refused, and says so", async (t) => {
  const { client, socket, errors } = await fake(t);
  socket().welcome();
  client.subscribe("a:*");
  socket().answer("subscribe", { type: "subscribed" });
  const sub = client.subscribe("a:b:*"), seen = record(sub, "unsubscribed");
  for (let n = 0; n < 2 && sub.state === "subscribing"; n++) {
    socket().answer("subscribe", { type: "error", code: "already_subscribed", message: "overlaps" });
    await pass(10_000);
    if (sub.state === "subscribing") socket().answer("unsubscribe", { type: "error", code: "not_subscribed", message: "not subscribed" });
  }
  assert.deepEqual([sub.state, errors, seen], ["unsubscribed", ["already_subscribed"], [["unsubscribed", { reason: "already_subscribed" }]]]);
});

test("the server's own subscription may keep the client's waiting once for each connection", async (t) => {
  const { client, socket, errors, breakDown } = await fake(t);
  const sub = client.subscribe("news");
  socket().welcome();
  for (let n = 0; n < 2; n++) {
    socket().answer("subscribe", { type: "error", code: "already_subscribed", message: "already subscribed" });
    await breakDown();
  }
  await pass(0);
  socket().answer("subscribe", { type: "error", code: "already_subscribed", message: "already subscribed" });
  assert.deepEqual([sub.state, errors], ["subscribing", []]);
});

test("a subscription that has ended does not take the place of its successor", async (t) => {
  const { client, socket } = await fake(t);
  socket().welcome();
  const old = client.subscribe("news");
  old.unsubscribe();
  const next = client.subscribe("news");
  assert.throws(() => old.subscribe(), { code: "already_subscribed" });
  assert.deepEqual([client.subscriptions.get("news"), old.state], [next, "unsubscribed"]);
});

test("iterators: a subscription that the server ends is an error", async (t) => {
  const { client, socket } = await fake(t);
  socket().welcome();
  const sub = client.subscribe("news"), waiting = sub.messages().next(), errors = record(sub, "error");
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10 });
  socket().say({ type: "unsubscribed", channel: "news", reason: "permission_denied" });
  await assert.rejects(waiting, { code: "permission_denied" });
  assert.deepEqual([sub.state, errors], ["unsubscribed", []], "unsubscribed has told already");
});

test("a server that speaks something else is an error, and no exception of nobody's", async (t) => {
  const { client, socket, sockets, errors } = await fake(t);
  socket().open();
  socket().onmessage({ data: "hello" });
  assert.deepEqual([client.state, errors], ["connecting", ["protocol"]]);
  await pass(500);
  assert.equal(sockets.length, 2, "it is tried again");
  socket().welcome();
  socket().onmessage({ data: "null" });
  assert.deepEqual([client.state, errors], ["connecting", ["protocol", "protocol"]]);
});
