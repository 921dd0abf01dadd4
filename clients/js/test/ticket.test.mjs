import assert from "node:assert/strict";
import { test } from "node:test";
import { fake, pass, record, turn } from "./fake.mjs";

/** welcomed lets a client in that has a token, or a ticket. */
function welcomed(socket, more = {}) {
  socket.open();
  return socket.answer("connect", { type: "welcome", client: "c", ping: 25, node: "n", ...more });
}

/** returning is a client with a ticket for a and b, whose connection has broken, and whose next socket is not open yet. */
async function returning(t, options = {}) {
  const f = await fake(t, { token: "jwt", ...options });
  const a = f.client.subscribe("a"), b = f.client.subscribe("b", { recover: false });
  const first = welcomed(f.socket(), { ticket: "one" });
  assert.deepEqual([first.token, first.ticket, first.positions], ["jwt", true, undefined]);
  for (const sub of [a, b]) f.socket().say({ type: "subscribed", id: f.socket().sent.find((m) => m.channel === sub.channel).id, channel: sub.channel, epoch: "e", offset: 5 });
  f.socket().say({ type: "message", channel: "a", data: 1, offset: 6 });
  f.socket().say({ type: "ticket", ticket: "two" });
  f.socket().end();
  await pass(500);
  assert.equal(f.sockets.length, 2);
  return { ...f, a, b };
}

test("a ticket brings back who one is, and subscriptions, in one message", async (t) => {
  const { socket, a, b } = await returning(t);
  const seen = record(a, "subscribed", "message");
  const hello = welcomed(socket(), { channels: ["a", "b"] });
  assert.deepEqual([hello.ticket, hello.token, hello.positions], ["two", undefined, { a: { epoch: "e", offset: 6 } }]);
  await turn();
  assert.equal(socket().sent.length, 1, "nothing is asked for again");
  socket().say({ type: "subscribed", id: hello.id, channel: "a", epoch: "e", offset: 7, recovered: true });
  socket().say({ type: "message", channel: "a", data: 2, offset: 7 });
  socket().say({ type: "subscribed", id: hello.id, channel: "b", epoch: "e", offset: 9 });
  assert.deepEqual(seen.map(([event, m]) => [event, m.offset, m.recovered]), [["subscribed", 7, true], ["message", 7, undefined]]);
  assert.deepEqual([a.state, b.state, b.position], ["subscribed", "subscribed", { epoch: "e", offset: 9 }]);
});

test("what is not in the ticket is asked for, and what is no wish any more is left", async (t) => {
  const { client, socket, a, b } = await returning(t);
  b.unsubscribe();
  const c = client.subscribe("c");
  const hello = welcomed(socket(), { channels: ["b"], ticket: "three" });
  await turn();
  assert.deepEqual(socket().sent.slice(1).map((m) => [m.type, m.channel]), [["unsubscribe", "b"], ["subscribe", "a"], ["subscribe", "c"]]);
  socket().say({ type: "subscribed", id: hello.id, channel: "b", epoch: "e", offset: 9 });
  socket().answer("unsubscribe", { type: "unsubscribed" });
  assert.deepEqual([client.subscriptions.has("b"), b.state, a.state, c.state], [false, "unsubscribed", "subscribing", "subscribing"]);
});

test("what is no wish any more, and could not be had, is no error", async (t) => {
  const { client, socket, b, errors } = await returning(t);
  b.unsubscribe();
  const hello = welcomed(socket(), { channels: ["a", "b"] });
  socket().say({ type: "error", id: hello.id, channel: "b", code: "permission_denied", message: "no" });
  await turn();
  assert.deepEqual([errors, client.subscriptions.has("b")], [[], false]);
});

test("an answer to the ticket is not one to a newer wish", async (t) => {
  const { client, socket, a } = await returning(t);
  const hello = welcomed(socket(), { channels: ["a", "b"] });
  a.unsubscribe();
  const again = client.subscribe("a");
  await turn();
  socket().say({ type: "subscribed", id: hello.id, channel: "a", epoch: "e", offset: 6, recovered: true });
  assert.equal(again.state, "subscribing");
  socket().answer("unsubscribe", { type: "unsubscribed" });
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 8 });
  assert.deepEqual([again.state, again.position.offset], ["subscribed", 8]);
});

test("a ticket that is not good is followed by the token", async (t) => {
  const { client, socket, errors } = await returning(t);
  socket().open();
  socket().answer("connect", { type: "error", code: "unauthorized", message: "no" });
  const second = socket().answer("connect", { type: "welcome", client: "c", ping: 25, node: "n", ticket: "three" });
  assert.deepEqual([second.token, second.ticket, errors, client.state], ["jwt", true, [], "connected"]);
  await turn();
  assert.deepEqual(socket().sent.slice(2).map((m) => [m.type, m.channel]), [["subscribe", "a"], ["subscribe", "b"]]);
});

test("a channel that the ticket could not have is asked for, and the answer counts", async (t) => {
  const { client, socket, a, errors } = await returning(t);
  const hello = welcomed(socket(), { channels: ["a", "b"] });
  socket().say({ type: "error", id: hello.id, channel: "a", code: "permission_denied", message: "no" });
  await turn();
  assert.equal(socket().last("subscribe").channel, "a");
  socket().answer("subscribe", { type: "error", code: "permission_denied", message: "no" });
  assert.deepEqual([a.state, client.subscriptions.has("a"), errors], ["unsubscribed", false, ["permission_denied"]]);
});

test("an expired token takes the ticket with it", async (t) => {
  let asked = 0;
  const { socket } = await returning(t, { getToken: () => `token ${++asked}` });
  socket().open();
  assert.equal(socket().last("connect").ticket, "two");
  socket().end(3500, "token_expired");
  await pass(1_000);
  socket().open();
  assert.deepEqual([socket().last("connect").ticket, socket().last("connect").token], [true, "token 1"]);
});

test("positions that are too long for a message go the other way", async (t) => {
  const { socket } = await returning(t, { maxMessageBytes: 80 });
  socket().open();
  assert.deepEqual([socket().last("connect").ticket, socket().last("connect").token], [true, "jwt"]);
});

test("without a token no ticket is asked for", async (t) => {
  const { socket } = await fake(t);
  socket().welcome();
  assert.deepEqual(socket().sent, []);
  assert.ok(!socket().url.includes("ticket"));
});
