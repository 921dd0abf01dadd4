import assert from "node:assert/strict";
import { test } from "node:test";
import { fake, pass, record, turn } from "./fake.mjs";

/** subscribed is a client with one subscription, at offset 10 of the epoch e. */
async function subscribed(t, options, more) {
  const all = await fake(t);
  all.socket().welcome();
  const sub = all.client.subscribe("news", options), seen = record(sub, "subscribed", "unsubscribed", "gap", "join", "presence");
  const messages = [];
  sub.on("message", (m) => messages.push(m.offset));
  await turn();
  all.socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10, ...more });
  const say = (...offsets) => offsets.forEach((offset) => all.socket().say({ type: "message", channel: "news", data: offset, offset }));
  return { ...all, sub, seen, messages, say };
}

test("recovery: from the last message, and nothing twice", async (t) => {
  const { sub, socket, seen, messages, say, breakDown } = await subscribed(t);
  assert.deepEqual([sub.state, sub.position, seen], ["subscribed", { epoch: "e", offset: 10 },
    [["subscribed", { recovered: undefined, epoch: "e", offset: 10, acked: undefined }]]]);
  say(11, 12);
  await breakDown();
  assert.deepEqual([sub.state, socket().last("subscribe").recover], ["subscribing", { epoch: "e", offset: 12 }]);
  say(12); // of a wildcard's: not ours before subscribed
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 14, recovered: true });
  assert.deepEqual(sub.position, { epoch: "e", offset: 12 }, "what was missed has not come yet");
  say(13);
  await breakDown(); // broken in the midst of it
  assert.deepEqual(socket().last("subscribe").recover, { epoch: "e", offset: 13 });
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 14, recovered: true });
  say(13, 14, 14, 15);
  assert.deepEqual([messages, seen.at(-1)[1].recovered], [[11, 12, 13, 14, 15], true]);
});

test("recovery that fails is told, and the new position counts", async (t) => {
  const { sub, socket, seen, messages, say, breakDown } = await subscribed(t);
  say(11);
  await breakDown();
  socket().answer("subscribe", { type: "subscribed", epoch: "f", offset: 3, recovered: false });
  assert.deepEqual([seen.at(-1)[1].recovered, sub.position], [false, { epoch: "f", offset: 3 }]);
  say(4);
  await breakDown();
  socket().answer("subscribe", { type: "subscribed", epoch: "f", offset: 900, recovered: false }); // the same epoch, but too far behind
  say(901);
  assert.deepEqual([messages, sub.position], [[11, 4, 901], { epoch: "f", offset: 901 }]);
});

test("the latest value comes, though it is not above the position", async (t) => {
  const { messages, say, breakDown, socket } = await subscribed(t);
  say(9);
  await breakDown();
  assert.deepEqual(socket().last("subscribe").recover, { epoch: "e", offset: 10 });
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 10, recovered: true });
  say(11);
  assert.deepEqual(messages, [9, 11]);
});

test("since goes on from a position that was kept; recover: false does not", async (t) => {
  const kept = await subscribed(t, { since: { epoch: "e", offset: 7 } }, { recovered: true });
  assert.deepEqual(kept.socket().last("subscribe").recover, { epoch: "e", offset: 7 });
  kept.say(7, 8);
  assert.deepEqual(kept.messages, [8]);
});

test("recover: false asks for nothing", async (t) => {
  const { socket, seen, breakDown } = await subscribed(t, { recover: false });
  await breakDown();
  assert.equal("recover" in socket().last("subscribe"), false);
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 12 });
  assert.equal(seen.at(-1)[1].recovered, false);
});

test("gaps and notices are events", async (t) => {
  const { socket, seen } = await subscribed(t);
  const all = [{ type: "gap", after: 10, before: 13, refill: true }, { type: "join", client: "c-2", count: 2 }, { type: "presence", count: 612 }];
  for (const m of all) socket().say({ ...m, channel: "news" });
  assert.deepEqual(seen.slice(1).map(([event, m]) => [event, m.type]), [["gap", "gap"], ["join", "join"], ["presence", "presence"]]);
});

test("acknowledgements: cumulative, gathered, and what was not acknowledged comes again", async (t) => {
  const { client, sub, socket, messages, say, breakDown } = await subscribed(t, {}, { recovered: false });
  say(11, 12, 13);
  sub.ack(11);
  sub.ack({ offset: 12 });
  sub.ack(11);
  assert.equal(socket().count("ack"), 0);
  await pass(100);
  assert.deepEqual([socket().count("ack"), socket().last("ack")], [1, { type: "ack", channel: "news", offset: 12 }]);
  await pass(1_000);
  assert.equal(socket().count("ack"), 1);
  await breakDown();
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 13, recovered: true, acked: 12 });
  say(13); // seen, but not acknowledged
  assert.deepEqual(messages, [11, 12, 13, 13]);
  sub.ack(); // the last one
  await breakDown();
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 14, recovered: true, acked: 12 });
  say(13, 14); // 13 is acknowledged, though the server did not hear of it
  assert.deepEqual(messages, [11, 12, 13, 13, 14]);
  await pass(100);
  assert.equal(socket().last("ack").offset, 13);
  say(15);
  sub.ack(14);
  await pass(100);
  assert.equal(socket().last("ack").offset, 14);
  sub.ack();
  client.close();
  assert.equal(socket().last("ack").offset, 15, "said before the end");
});

test("acknowledgements: not of another epoch, and not beyond what has come", async (t) => {
  const { client, sub, socket, say, breakDown } = await subscribed(t, {}, { recovered: false });
  const kept = [];
  sub.on("message", (m) => kept.push(m));
  say(11, 12);
  await breakDown();
  socket().answer("subscribe", { type: "subscribed", epoch: "f", offset: 0, recovered: false, acked: 0 });
  say(1, 2, 3);
  sub.ack(kept[1]);
  await pass(100);
  assert.equal(socket().count("ack"), 0);
  sub.ack(99);
  await pass(100);
  assert.equal(socket().last("ack").offset, 3);
  assert.deepEqual(kept.map((m) => [m.epoch, m.offset]), [["e", 11], ["e", 12], ["f", 1], ["f", 2], ["f", 3]]);
  client.close();
});

test("acknowledgements: a page that begins anew starts at the user's cursor", async (t) => {
  const { sub, messages, say } = await subscribed(t, {}, { offset: 20, recovered: true, acked: 17 });
  assert.deepEqual(sub.position, { epoch: "e", offset: 17 });
  say(18, 19, 20, 21);
  assert.deepEqual(messages, [18, 19, 20, 21]);
});

test("refused for now: tried again; refused for good: the end", async (t) => {
  const { client, socket, errors } = await fake(t, { timeout: 400 });
  socket().welcome();
  const sub = client.subscribe("news"), seen = record(sub, "unsubscribed");
  socket().answer("subscribe", { type: "error", code: "rate", message: "too many" });
  await pass(400); // the command's time is over
  assert.deepEqual([errors, sub.state], [["rate"], "subscribing"]);
  await pass(250);
  assert.equal(socket().count("subscribe"), 3);
  socket().answer("subscribe", { type: "error", code: "permission_denied", message: "not allowed" });
  assert.deepEqual([errors, sub.state, seen, client.subscriptions.size], [["rate", "permission_denied"], "unsubscribed",
    [["unsubscribed", { reason: "permission_denied" }]], 0]);
  sub.subscribe();
  assert.equal(socket().count("subscribe"), 4);
});

test("subscription tokens are fetched when there is none, and when the last is not good any more", async (t) => {
  let asked = 0;
  const { sub, socket, say, breakDown } = await subscribed(t, { getToken: ({ channel }) => `${channel} ${++asked}` });
  assert.equal(socket().last("subscribe").token, "news 1");
  say(11);
  socket().say({ type: "unsubscribed", channel: "news", reason: "expired" });
  assert.equal(sub.state, "subscribing");
  await pass(250);
  assert.deepEqual([socket().last("subscribe").token, socket().last("subscribe").recover], ["news 2", { epoch: "e", offset: 11 }]);
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 11, recovered: true });
  await breakDown();
  assert.equal(socket().last("subscribe").token, "news 2", "kept");
  socket().answer("subscribe", { type: "error", code: "permission_denied", message: "the token is not good" });
  await turn();
  assert.equal(socket().last("subscribe").token, "news 3");
  socket().answer("subscribe", { type: "error", code: "permission_denied", message: "the token is not good" });
  assert.deepEqual([asked, sub.state], [3, "unsubscribed"]);
});

test("unsubscribe, and subscribe again before the answers", async (t) => {
  const { client, sub, socket, seen, messages, say } = await subscribed(t);
  sub.unsubscribe();
  say(11);
  assert.equal(client.subscribe("news") === sub, false, "another one, as the first has ended");
  const next = client.subscriptions.get("news");
  say(12); // still of the first
  socket().answer("unsubscribe", { type: "unsubscribed" });
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 12 });
  say(13);
  assert.deepEqual([messages, seen.at(-1), next.position], [[], ["unsubscribed", { reason: "client" }], { epoch: "e", offset: 13 }]);
  assert.equal(client.subscribe("news"), next);
});

test("an unsubscribe that was refused for now does not end what came after it", async (t) => {
  const { client, socket, sub } = await subscribed(t);
  sub.unsubscribe();
  const next = client.subscribe("news");
  socket().answer("unsubscribe", { type: "error", code: "rate", message: "later" });
  socket().answer("subscribe", { type: "error", code: "already_subscribed", message: "already subscribed" });
  await pass(250);
  assert.equal(socket().count("unsubscribe"), 2);
  socket().answer("unsubscribe", { type: "unsubscribed" });
  await pass(10_000);
  socket().answer("unsubscribe", { type: "error", code: "not_subscribed", message: "not subscribed" });
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 12 });
  assert.equal(next.state, "subscribed");
});

test("an unsubscribe that takes effect late makes what came after it begin anew", async (t) => {
  const { client, socket, sub } = await subscribed(t);
  sub.unsubscribe();
  const next = client.subscribe("news");
  socket().answer("unsubscribe", { type: "error", code: "rate", message: "later" });
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 12 });
  await pass(250);
  socket().answer("unsubscribe", { type: "unsubscribed" });
  assert.deepEqual([next.state, socket().last("subscribe").recover], ["subscribing", { epoch: "e", offset: 12 }]);
});

test("a subscribe that was refused for now is not said again when nobody wants it any more", async (t) => {
  const { client, socket, errors } = await fake(t);
  socket().welcome();
  const sub = client.subscribe("news");
  socket().answer("subscribe", { type: "error", code: "unavailable", message: "later" });
  sub.unsubscribe();
  await pass(1_000);
  assert.deepEqual([socket().count("subscribe"), errors, client._flying.size], [1, [], 1], "only the unsubscribe waits for its answer");
});

test("the server's own subscriptions", async (t) => {
  const { client, socket, breakDown } = await fake(t);
  const events = record(client, "subscribed", "unsubscribed"), messages = [];
  client.on("subscribed", (sub, { recovered }) => { if (recovered === undefined) sub.on("message", (m) => messages.push(m.offset)); });
  socket().welcome();
  socket().say({ type: "subscribed", channel: "user#1", epoch: "e", offset: 5 });
  const sub = client.subscriptions.get("user#1");
  socket().say({ type: "message", channel: "user#1", data: 1, offset: 6 });
  assert.deepEqual([sub.serverSide, sub.state, messages, events.length], [true, "subscribed", [6], 1]);
  const told = record(sub, "subscribed");
  for (const [offset, recovered] of [[6, true], [7, false]]) {
    await breakDown();
    assert.deepEqual([socket().count("subscribe"), sub.state], [0, "subscribing"], "it is the server's to make it again");
    socket().say({ type: "subscribed", channel: "user#1", epoch: "e", offset });
    assert.equal(told.at(-1)[1].recovered, recovered);
  }
  socket().say({ type: "unsubscribed", channel: "user#1", reason: "server" });
  assert.deepEqual([sub.state, client.subscriptions.size, events.at(-1)[0]], ["unsubscribed", 0, "unsubscribed"]);
});

test("a channel that the client and the server both want", async (t) => {
  const { client, socket, errors } = await fake(t);
  const sub = client.subscribe("news");
  socket().welcome();
  socket().answer("subscribe", { type: "error", code: "already_subscribed", message: "already subscribed" });
  socket().say({ type: "subscribed", channel: "news", epoch: "e", offset: 5 });
  assert.deepEqual([sub.state, sub.serverSide, errors], ["subscribed", false, []]);
  await pass(20_000);
  assert.equal(socket().count("unsubscribe"), 0);
});

test("wildcards: one copy goes to both subscriptions, and a second one to neither", async (t) => {
  const { client, socket, breakDown } = await fake(t);
  socket().welcome();
  const got = [];
  for (const channel of ["a:*", "a:b:*", "a:b:c"]) {
    const sub = client.subscribe(channel);
    sub.on("message", (m) => got.push(`${channel} ${m.offset}`));
    socket().answer("subscribe", { type: "subscribed", ...(channel.endsWith("*") ? {} : { epoch: "e", offset: 5 }) });
  }
  for (const [channel, offset] of [["a:x", 1], ["a:b:c", 6], ["a:b:c", 6], ["b:a:b", 1]]) socket().say({ type: "message", channel, data: 1, offset });
  assert.deepEqual(got, ["a:* 1", "a:b:c 6", "a:* 6", "a:b:* 6"]);
  await breakDown();
  const told = record(client.subscriptions.get("a:*"), "subscribed");
  const command = socket().sent.find((m) => m.channel === "a:*");
  assert.equal("recover" in command, false);
  socket().say({ type: "subscribed", id: command.id, channel: "a:*" });
  assert.equal(told[0][1].recovered, false, "it is live only");
});

test("iterators: all messages, over a break, until the end of the subscription", async (t) => {
  const { sub, socket, say, breakDown } = await subscribed(t);
  const first = sub.messages(), taken = [];
  const loop = (async () => { for await (const m of sub) taken.push(m.offset); })();
  say(11, 12);
  await breakDown();
  socket().answer("subscribe", { type: "subscribed", epoch: "e", offset: 12, recovered: true });
  say(13);
  assert.equal((await first.next()).value.offset, 11);
  await first.return();
  assert.deepEqual(await first.next(), { value: undefined, done: true });
  sub.unsubscribe();
  await loop;
  assert.deepEqual(taken, [11, 12, 13]);
  assert.deepEqual(await sub.messages().next(), { value: undefined, done: true });
});

test("iterators: who is too slow gets what waited, and an error behind it; others go on", async (t) => {
  const { sub, say, messages } = await subscribed(t);
  const slow = sub.messages({ limit: 2 });
  say(11, 12, 13, 14);
  assert.deepEqual([(await slow.next()).value.offset, (await slow.next()).value.offset], [11, 12]);
  await assert.rejects(slow.next(), { code: "slow_consumer", after: 12 });
  assert.equal((await slow.next()).done, true);
  assert.deepEqual(messages, [11, 12, 13, 14]);
});

test("iterators: an end that the server has decided is an error", async (t) => {
  const { sub, socket } = await subscribed(t);
  const waiting = sub.messages().next();
  socket().end(3503, "forced");
  await assert.rejects(waiting, { code: "disconnected", closeCode: 3503 });
});
