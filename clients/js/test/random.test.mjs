// Random applications, servers and networks against what README.md promises: nothing twice, nothing out of order, and nothing missing in silence.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fake, pass, turn } from "./fake.mjs";

const channels = ["a", "b"], kept = 15, steps = 300;

/** generator returns random whole numbers below n, the same for the same seed (mulberry32). */
function generator(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** Server is what docs/PROTOCOL.md says, for the newest of the sockets. */
class Server {
  last = new Map(channels.map((name) => [name, 0]));
  keys = new Map();
  epoch = "e";
  kind = true; // it refuses nothing

  cursors = new Map(); // by channel, where what is not acknowledged comes again

  constructor(random, acks) {
    this.random = random;
    this.acks = acks;
  }

  accept(socket) {
    this.socket = socket;
    socket.given = 0;
    socket.has = new Set();
    socket.welcome();
  }

  publish(channel) {
    const offset = this.last.get(channel) + 1;
    this.last.set(channel, offset);
    if (this.socket?.readyState === 1 && this.socket.has.has(channel)) this.message(channel, offset);
    return offset;
  }

  message(channel, offset) { this.socket.say({ type: "message", channel, offset, data: offset }); }

  /** serve answers what has come. */
  serve() {
    const socket = this.socket;
    while (socket?.readyState === 1 && socket.given < socket.sent.length) this.answer(socket, socket.sent[socket.given++]);
  }

  answer(socket, m) {
    const { id, channel } = m, error = (code) => socket.say({ type: "error", id, channel, code, message: code });
    if (!this.kind && id !== undefined && this.random(6) === 0) return error(this.random(2) ? "rate" : "unavailable");
    switch (m.type) {
      case "ack":
        if (m.offset > this.last.get(channel)) this.wrong.push(`${channel}: ack of ${m.offset}, which is not there`);
        this.cursors.set(channel, Math.max(m.offset, this.cursors.get(channel) ?? 0));
        return;
      case "ping": return socket.say({ type: "pong" });
      case "subscribe": return socket.has.has(channel) ? error("already_subscribed") : this.subscribe(socket, channel, id, m.recover);
      case "unsubscribe": return socket.has.delete(channel) ? socket.say({ type: "unsubscribed", id, channel }) : error("not_subscribed");
      case "publish":
        if (!this.keys.has(m.idempotency_key)) this.keys.set(m.idempotency_key, this.publish(channel));
        if (socket.readyState === 1) socket.say({ type: "published", id, channel, offset: this.keys.get(m.idempotency_key) });
    }
  }

  subscribe(socket, channel, id, recover) {
    const offset = this.last.get(channel), good = recover?.epoch === this.epoch && recover.offset <= offset;
    let from = good ? recover.offset : undefined, acked;
    if (this.acks) {
      acked = this.cursors.get(channel) ?? from;
      from = recover && !good ? undefined : Math.min(acked, from ?? acked);
    }
    const sent = from !== undefined && offset - from <= kept, recovered = recover || this.acks ? sent : undefined;
    if (this.acks && !(acked !== undefined && offset - acked <= kept)) acked = offset; // the cursor begins anew
    if (this.acks) this.cursors.set(channel, acked);
    socket.has.add(channel);
    socket.say({ type: "subscribed", id, channel, epoch: this.epoch, offset, recovered, acked });
    if (recovered) for (let missed = from + 1; missed <= offset && socket.readyState === 1; missed++) this.message(channel, missed);
  }

  forget() {
    this.epoch += "e";
    this.cursors.clear();
    for (const name of channels) this.last.set(name, 0);
  }
}

/** follow holds a subscription to the promise. next is the offset that must come, mine the last that the application has acknowledged. */
function follow(sub, wrong) {
  if (sub.next !== undefined) return;
  sub.next = sub.mine = 0;
  sub.on("message", ({ offset }) => {
    if (offset !== sub.next) wrong.push(`${sub.channel}: ${offset} in the place of ${sub.next}`);
    sub.next = offset + 1;
  });
}

/** begin is what a subscribed means for it. */
function begin(sub, { recovered, offset, epoch, acked }) {
  if (sub.epoch !== epoch) sub.mine = 0;
  if (!recovered) sub.next = offset + 1;
  else if (sub.epoch !== epoch) sub.next = acked + 1; // new here, but not to the server
  else if (acked !== undefined) sub.next = Math.max(sub.mine, Math.min(acked, sub.next - 1)) + 1; // the rest comes again
  sub.epoch = epoch;
}

for (let seed = 1; seed <= 40; seed++) {
  test(`random applications, seed ${seed}`, async (t) => {
    const random = generator(seed), wrong = [], published = new Map();
    const { client, sockets, errors } = await fake(t, {}, 0.4);
    const server = Object.assign(new Server(random, seed % 2 === 1), { wrong });
    const act = () => {
      const channel = channels[random(2)];
      switch (random(8)) {
        case 0: case 1: case 2: return follow(client.subscribe(channel), wrong);
        case 3: return client.subscriptions.get(channel)?.unsubscribe();
        case 4: return random(4) || client.close();
        case 5: return client.connect();
        case 6: {
          const sub = client.subscriptions.get(channel);
          if (sub?.state !== "subscribed" || sub.next === 1) return;
          sub.mine = Math.max(sub.mine, sub.next - 1);
          return sub.ack(sub.mine);
        }
        default: {
          const key = `k${published.size}`;
          published.set(key, "waits");
          client.publish(channel, 1, { idempotencyKey: key }).then(() => published.set(key, "done"), (error) => published.set(key, error.code));
        }
      }
    };
    const sometimes = () => { if (random(12) === 0) act(); }; // in the midst of whatever happens
    for (const event of ["state", "connecting", "connected", "disconnected"]) client.on(event, sometimes);
    client.on("subscribed", (sub, about) => {
      follow(sub, wrong);
      begin(sub, about);
      sometimes();
    });
    client.on("unsubscribed", sometimes);

    const live = async () => {
      const socket = sockets.at(-1);
      if (socket?.readyState === 0) server.accept(socket);
      server.serve();
      await turn();
    };
    server.kind = false;
    for (let step = 0; step < steps; step++) {
      const channel = channels[random(2)], open = server.socket?.readyState === 1;
      switch (random(12)) {
        case 0: case 1: case 2: act(); break;
        case 3: case 4: server.publish(channel); break;
        case 5: if (open) server.socket.end(); break;
        case 6: if (open && !server.socket.has.has(channel)) server.subscribe(server.socket, channel); break;
        case 7: if (open && random(3) === 0 && server.socket.has.delete(channel)) server.socket.say({ type: "unsubscribed", channel, reason: "server" }); break;
        case 8: if (open && random(8) === 0) { server.socket.end(); server.forget(); } break;
        case 9: await pass(random(3_000)); break;
        default: await live();
      }
      await turn();
    }

    server.kind = true; // from now on all goes well
    client.connect();
    for (const name of channels) follow(client.subscribe(name), wrong);
    for (let n = 0; n < 60; n++) {
      await pass(1_000);
      client.connect();
      await live();
      for (const name of channels) if (!client.subscriptions.has(name)) follow(client.subscribe(name), wrong);
    }
    for (const name of channels) server.publish(name);
    assert.deepEqual(wrong, []);
    for (const name of channels) {
      const sub = client.subscriptions.get(name);
      assert.deepEqual([sub.state, sub.next], ["subscribed", server.last.get(name) + 1], `${name}, ${errors}`);
    }
    for (const [key, state] of published) {
      assert.notEqual(state, "waits", key);
      if (state === "done") assert.ok(server.keys.has(key), key);
    }
    assert.deepEqual([client._queue.length, client._urgent.length, client._flying.size], [0, 0, 0]);
    client.close();
  });
}
