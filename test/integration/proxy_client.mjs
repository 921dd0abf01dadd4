// npm's ws through a proxy that ends TLS: whom the server sees, and whether all gets through. Any surprise ends it with
// status 1.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import https from "node:https";
import WebSocket from "ws";

const [port, authority, form] = process.argv.slice(2);
const ca = readFileSync(authority);
const localAddress = "127.0.0.9"; // not the proxy's
const seenAs = (socket) => (form === "port" ? `${localAddress}:${socket.localPort}` : `${localAddress}:0`);

function connect() {
  const ws = new WebSocket(`wss://localhost:${port}/`, {
    ca, localAddress, family: 4, origin: `https://localhost:${port}`, perMessageDeflate: { threshold: 0 }, maxPayload: 1 << 25,
  });
  const inbox = [], waiting = [];
  ws.on("message", (data) => (waiting.length ? waiting.shift()(data) : inbox.push(data)));
  ws.on("error", (error) => { console.error(error); process.exit(1); });
  ws.next = () => (inbox.length ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve)));
  ws.closed = new Promise((resolve) => ws.on("close", (code, reason) => resolve(`${code} ${reason}`)));
  return new Promise((resolve) => ws.on("open", () => resolve(ws)));
}

const ws = await connect();
assert.equal((await ws.next()).toString(), seenAs(ws._socket));
assert.match(ws.extensions, /^permessage-deflate/);
for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
  for (const payload of [randomBytes(size), Buffer.alloc(size, "compressible ")]) {
    ws.send(payload);
    assert.ok((await ws.next()).equals(payload), `${size} bytes differ`);
  }
}
ws.send("close me");
assert.equal(await ws.closed, "4001 because you asked");

const second = await connect();
assert.equal((await second.next()).toString(), seenAs(second._socket));
second.close(3333, "enough");
assert.equal(await second.closed, "3333 ");

const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
for (let i = 0; i < 2; i++) {
  const [body, want] = await new Promise((resolve, reject) => {
    https.get({ host: "localhost", port, family: 4, path: "/", ca, localAddress, agent }, (response) => {
      const want = seenAs(response.socket);
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve([text, want]));
    }).on("error", reject);
  });
  assert.ok(body.startsWith(`${want} `), `${body}, not ${want}`);
  if (form !== "port") assert.equal(body, `${want} true`);
}
agent.destroy();
console.log("ok");
