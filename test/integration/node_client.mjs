// One walk through the native dialect with npm's ws. Prints a line per step; any surprise ends it with status 1.
import assert from "node:assert/strict";
import WebSocket from "ws";

const [address, compression] = process.argv.slice(2);
const secure = process.env.WSEDGE_TLS ? "s" : "";
const inbox = [];
const waiting = [];
let pings = 0;

const ws = new WebSocket(`ws${secure}://${address}/ws`, "wsedge.v1");
ws.on("message", (data, binary) => {
  assert.equal(binary, false);
  const message = JSON.parse(data.toString());
  waiting.length ? waiting.shift()(message) : inbox.push(message);
});
ws.on("ping", () => pings++);
ws.on("error", (error) => { console.error(error); process.exit(1); });
const closed = new Promise((resolve) => ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
const next = () => (inbox.length ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve)));
const say = (message) => ws.send(JSON.stringify(message));

await new Promise((resolve) => ws.on("open", resolve));
assert.equal(ws.protocol, "wsedge.v1");
assert.equal(ws.extensions.startsWith("permessage-deflate") ? "deflate" : "plain", compression);
assert.equal((await next()).type, "welcome");

say({ type: "subscribe", id: 1, channel: "news" });
const subscribed = await next();
assert.deepEqual([subscribed.type, subscribed.id, subscribed.channel, subscribed.offset], ["subscribed", 1, "news", 0]);

const answer = await fetch(`http${secure}://${address}/api/publish`, {
  method: "POST", body: JSON.stringify({ channel: "news", data: { title: "grüße", n: 1 } }),
});
const published = await answer.json();
assert.deepEqual([answer.status, published.offset, published.matched], [200, 1, 1]);
const message = await next();
assert.deepEqual([message.type, message.channel, message.data, message.offset], ["message", "news", { title: "grüße", n: 1 }, 1]);

// One that is worth compressing, both ways.
const long = "grüße ".repeat(5000);
say({ type: "publish", id: 2, channel: "news", data: long });
const both = [await next(), await next()].sort((a, b) => a.type.localeCompare(b.type));
assert.deepEqual([both[0].type, both[0].data === long, both[1].type, both[1].offset], ["message", true, "published", 2]);

ws.send("{not json");
const error = await next();
assert.deepEqual([error.type, error.code], ["error", "bad_json"]);
say({ type: "ping", id: "still here" });
assert.deepEqual(await next(), { type: "pong", id: "still here" });
console.log("conversation ok");

while (pings === 0) await new Promise((resolve) => ws.once("ping", resolve));
say({ type: "ping", id: 7 });
assert.deepEqual(await next(), { type: "pong", id: 7 });
console.log("heartbeat ok");

ws.close(1000, "done");
assert.deepEqual(await closed, { code: 1000, reason: "" });
console.log("close ok");
