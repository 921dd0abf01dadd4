// What tutorials do with npm's ws, against wschat and the examples. Usage: node chat_node.mjs CONVERSATION ADDRESS
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const [conversation, address] = process.argv.slice(2);

/** open returns a client whose messages wait in line; raw ones are texts, others JSON. */
async function open(path, { raw = false, ...options } = {}) {
  const ws = new WebSocket(`ws://${address}${path}`, options), inbox = [], waiting = [];
  ws.pings = 0;
  ws.on("ping", () => ws.pings++);
  ws.on("message", (data, binary) => {
    const message = raw ? { data, binary } : JSON.parse(data.toString());
    waiting.length ? waiting.shift()(message) : inbox.push(message);
  });
  ws.next = () => (inbox.length ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve)));
  ws.say = (message) => ws.send(JSON.stringify(message));
  ws.ended = new Promise((resolve) => ws.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  await once(ws, "open");
  return ws;
}

async function close(ws) {
  ws.close(1000, "done");
  assert.equal((await ws.ended).code, 1000);
}

const conversations = {
  async hello() {
    const ws = await open("/", { raw: true });
    ws.send("你好，服务器!");
    const { data, binary } = await ws.next();
    assert.deepEqual([data.toString(), binary], ["你好, client!", false]);
    await close(ws);
  },

  async heartbeat() {
    const [lively, silent] = [await open("/", { raw: true }), await open("/", { raw: true })];
    let answered = 0;
    const beat = setInterval(() => lively.send("ping"), 100);
    lively.on("message", (data) => { assert.equal(data.toString(), "pong"); answered++; });
    assert.deepEqual(await silent.ended, { code: 1008, reason: "silent for too long" });
    clearInterval(beat);
    assert.ok(answered > 3 && lively.readyState === WebSocket.OPEN, `${answered} pongs`);
    await close(lively);
  },

  async node() {
    const [a, b] = [await open("/"), await open("/node")];
    const { userId, ...welcome } = await a.next();
    assert.deepEqual(welcome, { type: "welcome", message: "Connected successfully" });
    const other = (await b.next()).userId;
    assert.notEqual(userId, other);
    a.send("not JSON");
    assert.deepEqual(await a.next(), { type: "error", message: "Invalid JSON" });
    a.say({ any: "JSON" }); // no error, and the connection lives:
    a.say({ type: "chat", content: "hello" });
    assert.deepEqual(await a.next(), { type: "chat", userId, content: "hello" });
    assert.deepEqual(await b.next(), { type: "chat", userId, content: "hello" });
    // Who does not answer a ping is terminated, and the others are told.
    const deaf = await open("/node", { autoPong: false });
    const gone = (await deaf.next()).userId;
    assert.deepEqual(await a.next(), { type: "user_left", userId: gone });
    await deaf.ended;
    assert.ok(deaf.pings > 0 && a.pings > 0, `${deaf.pings} and ${a.pings} pings`);
    assert.deepEqual(await b.next(), { type: "user_left", userId: gone });
    await close(b);
    assert.deepEqual(await a.next(), { type: "user_left", userId: other });
    await close(a);
  },

  async rooms() {
    const [ann, ben] = [await open("/"), await open("/rooms")];
    ann.say({ type: "join", room: "tea", username: "ann" });
    assert.deepEqual(await ann.next(), { type: "system", message: "ann joined the room" });
    ben.say({ type: "join", room: "tea", username: "ben" });
    for (const c of [ann, ben]) assert.deepEqual(await c.next(), { type: "system", message: "ben joined the room" });
    ann.say({ type: "typing" });
    ann.say({ type: "chat", content: "hello" });
    assert.deepEqual(await ben.next(), { type: "typing", username: "ann" });
    for (const c of [ann, ben]) {
      const { timestamp, ...chat } = await c.next();
      assert.deepEqual(chat, { type: "chat", username: "ann", content: "hello" });
      assert.ok(Math.abs(Date.now() - timestamp) < 60_000, `${timestamp}`);
    }
    ben.terminate();
    assert.deepEqual(await ann.next(), { type: "system", message: "ben left the room" });
    await close(ann);
  },

  async group() {
    const [a, b] = [await open("/"), await open("/group")];
    const text = async (c) => { // the heartbeat is filtered out, as the tutorial's page does
      for (;;) {
        const m = await c.next();
        if (m.type === 2) return m;
        assert.deepEqual(m, { type: 1, message: "心跳检测" });
        c.beats = (c.beats ?? 0) + 1;
      }
    };
    a.send("大家好");
    for (const c of [a, b]) assert.deepEqual(await text(c), { type: 2, message: "大家好" });
    assert.deepEqual(await a.next(), { type: 1, message: "心跳检测" });
    await Promise.all([close(a), close(b)]);
  },

  async echo() {
    const ws = await open("/", { raw: true });
    const back = async (want, wantBinary) => {
      const { data, binary } = await ws.next();
      assert.ok(data.equals(Buffer.from(want)) && binary === wantBinary, `${data.length} bytes, binary ${binary}`);
    };
    ws.send("grüße");
    await back("grüße", false);
    ws.send(Buffer.from([0, 255, 128]));
    await back([0, 255, 128], true);
    ws.send("in ", { fin: false, compress: false }); // three fragments, and a ping between them
    ws.ping("between");
    ws.send("three ", { fin: false, compress: false });
    ws.send("pieces", { fin: true, compress: false });
    const [pong] = await once(ws, "pong");
    assert.equal(pong.toString(), "between");
    await back("in three pieces", false);
    ws.close(4321, "echo me"); // the close frame comes back with its code
    assert.equal((await ws.ended).code, 4321);
  },
};

await conversations[conversation]();
console.log("ok");
