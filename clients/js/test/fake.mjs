// A server by hand, and a clock by hand: for what must be seen message by message.
import { mock } from "node:test";
import { Client } from "../wsedge.js";

/** turn lets promises have their say; no timer runs. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

/** pass lets time go by. */
export async function pass(ms) {
  mock.timers.tick(ms);
  await turn();
}

/** fake makes a client whose sockets are `sockets`; chance is what Math.random says. */
export async function fake(t, options = {}, chance = 0.5) {
  t.mock.method(Math, "random", () => chance);
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  t.after(() => mock.timers.reset());
  const sockets = [];
  class FakeSocket {
    readyState = 0;
    sent = [];
    constructor(url, protocol) {
      Object.assign(this, { url, protocol });
      sockets.push(this);
    }
    send(text) { this.sent.push(JSON.parse(text)); }
    close() { this.readyState = 3; }
    /** open answers the handshake. */
    open() {
      this.readyState = 1;
      this.onopen();
    }
    /** say is a message of the server's. */
    say(message) { this.onmessage({ data: JSON.stringify(message) }); }
    /** welcome is what most tests begin with. */
    welcome(more = {}) {
      this.open();
      this.say({ type: "welcome", client: "c-1", ping: 25, node: "n", ...more });
    }
    /** end closes it, as the server or the network does. */
    end(code = 1006, reason = "") {
      this.readyState = 3;
      this.onclose({ code, reason });
    }
    /** answer replies to the last command of a type. */
    answer(type, reply) {
      const command = this.last(type);
      this.say({ id: command.id, channel: command.channel, ...reply });
      return command;
    }
    last(type) { return this.sent.findLast((m) => m.type === type); }
    count(type) { return this.sent.filter((m) => m.type === type).length; }
  }
  const client = new Client("ws://edge.test/ws", { WebSocket: FakeSocket, ...options });
  const errors = [];
  client.on("error", (error) => errors.push(error.code));
  await turn();
  const socket = () => sockets.at(-1);
  /** breakDown breaks the connection, and waits until the client has come back. */
  const breakDown = async () => {
    const before = sockets.length;
    socket().end();
    while (sockets.length === before) await pass(250);
    socket().welcome();
    await turn();
  };
  return { client, sockets, errors, socket, breakDown };
}

/** record notes all events of an emitter, as [event, first argument]. */
export function record(emitter, ...events) {
  const seen = [];
  for (const event of events) emitter.on(event, (about) => seen.push([event, about]));
  return seen;
}
