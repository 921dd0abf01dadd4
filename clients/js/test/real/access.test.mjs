// Servers that ask who a client is, under a real client.
import assert from "node:assert/strict";
import { test } from "node:test";
import { apiKey, configured, connect, eventually, happens, network, token } from "./server.mjs";

const open = `  default: {subscribe: authenticated, publish: token, presence: authenticated}
  named:
    closed: {subscribe: token}
    work: {subscribe: authenticated, history_size: 100, ack: true}
    room: {subscribe: authenticated, presence: authenticated, members: true, join_leave: true}
`;

test("tokens are renewed before they end, and the connection stays", async (t) => {
  const server = await configured(t, open);
  let asked = 0;
  const client = connect(t, server.port, { getToken: async () => { asked++; return token(3, { sub: "ann" }); } });
  const { user, client: id } = await happens(client, "connected");
  assert.equal(user, "ann");
  await eventually("two renewals", () => asked >= 3);
  assert.equal((await client.presence("news")).count, 0);
  assert.deepEqual([client.id, client.errors], [id, []]);
});

test("an expired token is replaced, a bad one is the end", async (t) => {
  const server = await configured(t, open);
  const tokens = [token(-30, { sub: "ann" }), token(60, { sub: "ann" })];
  const client = connect(t, server.port, { getToken: () => tokens.shift() });
  assert.equal((await happens(client, "connecting", ({ code }) => code)).reason, "token_expired");
  assert.equal((await happens(client, "connected")).user, "ann");
  for (const bad of [token(-30, { sub: "ann" }), "nonsense", token(60, { sub: "ann", aud: "another" })]) {
    assert.equal((await happens(connect(t, server.port, { token: bad }), "disconnected")).code, 3500);
  }
});

test("revoked: another token does", async (t) => {
  const server = await configured(t, open);
  const tokens = [token(60, { sub: "ann", jti: "one" }), token(60, { sub: "ann", jti: "two" })];
  const client = connect(t, server.port, { getToken: () => tokens.shift() });
  const { client: id } = await happens(client, "connected");
  const back = happens(client, "connected");
  await server.api("revoke", { token: "one" }, apiKey);
  assert.notEqual((await back).client, id);
  const over = happens(client, "disconnected");
  await server.api("disconnect", { user: "ann" }, apiKey);
  assert.equal((await over).code, 3503);
});

test("what is not permitted", async (t) => {
  const server = await configured(t, open);
  const client = connect(t, server.port, { token: token(60, { sub: "ann" }) });
  await assert.rejects(client.publish("news", 1), { code: "permission_denied", channel: "news" });
  await assert.rejects(client.history("news"), { code: "permission_denied" });
  const sub = client.subscribe("closed:1");
  assert.equal((await happens(sub, "error")).code, "permission_denied");
  assert.deepEqual([sub.state, client.state], ["unsubscribed", "connected"]);
});

test("subscription tokens: fetched, and fetched again when they end", async (t) => {
  const server = await configured(t, open);
  let asked = 0;
  const client = connect(t, server.port, { token: token(60, { sub: "ann" }) });
  const sub = client.subscribe("closed:1", { getToken: ({ channel }) => { asked++; return token(2, { sub: "ann", channel }); } });
  const got = [];
  sub.on("message", (m) => got.push(m.data));
  await happens(sub, "subscribed");
  await happens(sub, "subscribed");
  assert.equal(asked, 2);
  await server.api("publish", { channel: "closed:1", data: "still here" }, apiKey);
  await eventually("a message", () => got.length === 1);
});

test("what a user has not acknowledged comes again, to this page and to the next", async (t) => {
  const server = await configured(t, open), net = await network(t, server.port);
  const page = () => {
    const client = connect(t, net.port, { token: token(60, { sub: "ann" }) }), sub = client.subscribe("work:1"), got = [];
    sub.on("message", (m) => got.push(m.data));
    return { client, sub, got };
  };
  const { client, sub, got } = page();
  await happens(sub, "subscribed");
  for (const data of [1, 2, 3]) await server.api("publish", { channel: "work:1", data }, apiKey);
  await eventually("three messages", () => got.length === 3);
  sub.ack(1);
  net.cut();
  await server.api("publish", { channel: "work:1", data: 4 }, apiKey);
  const back = happens(sub, "subscribed");
  net.mend();
  const { recovered, acked } = await back;
  assert.deepEqual([recovered, acked], [true, 0], "the acknowledgement was on its way");
  await eventually("those not acknowledged", () => got.length === 6);
  assert.deepEqual(got, [1, 2, 3, 2, 3, 4]);
  sub.ack();
  client.close();
  await server.api("publish", { channel: "work:1", data: 5 }, apiKey);
  const next = page(), { acked: cursor } = await happens(next.sub, "subscribed");
  await eventually("the last one", () => next.got.length === 1);
  assert.deepEqual([cursor, next.got, client.errors, next.client.errors], [4, [5], [], []]);
});

test("who comes and who goes", async (t) => {
  const server = await configured(t, open);
  const ann = connect(t, server.port, { token: token(60, { sub: "ann" }) }), room = ann.subscribe("room:1"), told = [];
  for (const event of ["join", "leave"]) room.on(event, ({ user, count }) => told.push(`${event} ${user} ${count}`));
  await happens(room, "subscribed");
  const bob = connect(t, server.port, { token: token(60, { sub: "bob" }) });
  await happens(bob.subscribe("room:1"), "subscribed");
  await eventually("a join", () => told.length === 1);
  assert.deepEqual((await room.presence()).clients.map(({ client, user }) => [client, user]).sort(), [[ann.id, "ann"], [bob.id, "bob"]].sort());
  bob.close();
  await eventually("a leave", () => told.length === 2);
  assert.deepEqual(told, ["join bob 2", "leave bob 1"]);
});

test("where anonymous clients are let in, who has a token is somebody", async (t) => {
  const server = await configured(t, open, "  anonymous: true");
  assert.equal((await happens(connect(t, server.port), "connected")).user, undefined);
  const client = connect(t, server.port, { token: token(60, { sub: "ann" }) }), seen = [];
  client.on("connected", ({ user }) => seen.push(user));
  await happens(client.subscribe("news"), "subscribed");
  assert.deepEqual([seen, client.errors], [["ann"], []]);
});

test("the server subscribes, by the token and by the API", async (t) => {
  const server = await configured(t, open);
  const client = connect(t, server.port, { token: token(60, { sub: "ann", channels: ["closed:token"] }) });
  const got = [], subscribed = [];
  client.on("subscribed", (sub) => { subscribed.push(sub.channel); sub.on("message", (m) => got.push(m.data)); });
  await eventually("the token's channel", () => subscribed.length === 1);
  await server.api("subscribe", { user: "ann", channel: "closed:api" }, apiKey);
  await eventually("the API's channel", () => subscribed.length === 2);
  for (const channel of subscribed) await server.api("publish", { channel, data: channel }, apiKey);
  await eventually("both messages", () => got.length === 2);
  assert.deepEqual([subscribed, got], [["closed:token", "closed:api"], ["closed:token", "closed:api"]]);
  const over = happens(client.subscriptions.get("closed:api"), "unsubscribed");
  await server.api("unsubscribe", { user: "ann", channel: "closed:api" }, apiKey);
  assert.equal((await over).reason, "server");
  assert.equal(client.subscriptions.size, 1);
});
