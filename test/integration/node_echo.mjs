// Messages of many sizes and kinds through the echo server, compressed as npm's ws likes it. Any surprise ends it with
// status 1.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import WebSocket from "ws";

const [address] = process.argv.slice(2);
const secure = process.env.WSEDGE_TLS ? "s" : "";
const offers = [
  { threshold: 0 },
  { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
  { threshold: 0, clientNoContextTakeover: true, serverNoContextTakeover: true },
];

async function echoes(perMessageDeflate) {
  const ws = new WebSocket(`ws${secure}://${address}/`, { perMessageDeflate, maxPayload: 1 << 25 });
  const waiting = [];
  ws.on("message", (data, binary) => waiting.shift()([data, binary]));
  ws.on("error", (error) => { console.error(error); process.exit(1); });
  await new Promise((resolve) => ws.on("open", resolve));
  assert.match(ws.extensions, /^permessage-deflate/);
  for (const size of [0, 1, 125, 126, 511, 512, 4096, 65535, 65536, 1 << 20]) {
    for (const [payload, binary] of [
      [Buffer.from("Grüße ".repeat(size).slice(0, size)), false],
      [randomBytes(size), true],
      [Buffer.alloc(size), true],
    ]) {
      const back = new Promise((resolve) => waiting.push(resolve));
      ws.send(payload, { binary });
      const [data, wasBinary] = await back;
      assert.equal(wasBinary, binary);
      assert.ok(data.equals(payload), `${size} bytes differ`);
    }
  }
  const closed = new Promise((resolve) => ws.on("close", resolve));
  ws.close(1000);
  assert.equal(await closed, 1000);
}

await Promise.all(offers.map(echoes));
console.log("ok");
