// Two who want the same channel, and listeners that act at once, with the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, happens, serve } from "./server.mjs";

test("a channel that a listener of connected subscribes to", async (t) => {
  const server = await serve(t), client = connect(t, server.port, { timeout: 60_000 }), got = []; // what is done over would come too late
  client.once("connected", () => client.subscribe("news").on("message", ({ data }) => got.push(data)));
  await happens(client, "subscribed");
  await server.api("publish", { channel: "news", data: 1 });
  await eventually("the message", () => got.length === 1);
});

test("wildcards that overlap", async (t) => {
  const server = await serve(t), client = connect(t, server.port, { timeout: 300 });
  client.subscribe("a:*");
  await happens(client, "subscribed");
  const about = await happens(client.subscribe("a:b:*"), "unsubscribed");
  assert.equal(about.reason, "already_subscribed");
  const errors = client.errors.map((error) => error.code).filter((code) => code !== "timeout"); // which a busy machine may need, and the client tries again
  assert.deepEqual(errors, ["already_subscribed"]);
});

test("a channel that the API gave, and that the client then wants for itself", async (t) => {
  const server = await serve(t, "--history-size", "10", "--recover"), client = connect(t, server.port), got = [];
  await happens(client, "connected");
  const given = happens(client, "subscribed"); // it may come before the answer of the API
  await server.api("subscribe", { client: client.id, channel: "news" });
  const sub = await given;
  assert.equal(sub.serverSide, true);
  assert.equal(client.subscribe("news"), sub);
  sub.on("message", ({ data }) => got.push(data));
  const gone = happens(client, "disconnected");
  await server.api("disconnect", { client: client.id }).catch(() => {}); // final: the client stays away until it is told otherwise
  await gone;
  await server.api("publish", { channel: "news", data: "missed" });
  client.connect();
  await eventually("what was missed", () => got.length === 1);
  assert.deepEqual([got, sub.serverSide], [["missed"], false]);
});
