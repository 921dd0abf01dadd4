// The client of wsedge for browsers and Node: see README.md, wsedge.d.ts for names, units and defaults, docs/PROTOCOL.md. MIT license.
//
// A Client has at most one WebSocket, and a wish: to be connected, or not. Subscriptions and commands outlive sockets.
// What begins with an underscore is not for applications.

const DEFAULTS = {
  autoConnect: true, timeout: 10_000, minDelay: 500, maxDelay: 20_000, stableAfter: 5_000, pongTimeout: 8_000, ackInterval: 100, maxQueue: 1_000,
  maxMessageBytes: 65_536,
};
const IN_FLIGHT = 64; // commands without an answer: fewer than the refusals that a server closes for
const FINAL = [1002, 1003, 1007, 1009]; // not to come back after, beside 3500 to 3999
const SILENCE = 25; // seconds, where the server does not say

const jitter = (cap, base, n) => Math.random() * Math.min(cap, base * 2 ** n);
const randomKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

// UTF-8 takes at most three bytes for each unit of a string. The server would close.
const tooLong = (text, bytes) => text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;

// A publication of bytes comes as base64.
function decode(m) {
  if (m.encoding === "base64") {
    m.data = Uint8Array.from(atob(m.data), (c) => c.charCodeAt(0));
    delete m.encoding;
  }
  return m;
}

/** Why something failed: `code` is a word of docs/PROTOCOL.md, Errors, or of README.md. */
export class WsedgeError extends Error {
  constructor(code, message, more) {
    super(message ?? code);
    this.name = "WsedgeError";
    this.code = code;
    Object.assign(this, more);
  }
}

/** A listener that throws harms no other: its error is reported as uncaught. */
class Emitter {
  #listeners = new Map();

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.off(event, listener);
  }

  once(event, listener) {
    const off = this.on(event, (...args) => { off(); listener(...args); });
    return off;
  }

  off(event, listener) { this.#listeners.get(event)?.delete(listener); }

  _emit(event, ...args) {
    const listeners = [...(this.#listeners.get(event) ?? [])];
    for (const listener of listeners) {
      try { listener(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
    }
    return listeners.length > 0;
  }

  _setState(state, about) {
    const before = this.state;
    this.state = state;
    if (before !== state) this._emit("state", state, before);
    if (this.state === state) this._emit(state, about); // a listener may have changed it again
  }
}

/** A connection to a wsedge server that comes back by itself. */
export class Client extends Emitter {
  constructor(url, options) {
    super();
    this.options = { ...DEFAULTS, ...options };
    this._url = new URL(url, globalThis.location?.href).href.replace(/^http/, "ws");
    this._WebSocket = this.options.WebSocket ?? globalThis.WebSocket;
    if (!this._WebSocket) throw new TypeError("there is no WebSocket here: give one, as in new Client(url, { WebSocket })");
    this.state = "disconnected";
    this.subscriptions = new Map();
    this._wanted = this.options.autoConnect;
    this._token = this.options.token;
    this._timers = {};
    this._urgent = []; // commands of this connection, which go first: subscribe, unsubscribe, refresh
    this._queue = []; // other commands that were not sent so far
    this._flying = new Map(); // those sent, by id
    this._nextID = 1;
    this._heard = 0; // messages, to tell silence
    this._dials = 0;
    this._attempt = 0; // failures in a row
    this._wake = (event) => {
      if (event.type === "visibilitychange" && document.hidden) return;
      if (this.state === "connected") return this._probe();
      if (!this._timers.redial) return; // an attempt is on its way
      this._attempt = 0;
      this._dial();
    };
    this._doubt = () => this.state === "connected" && this._probe();
    if (this._wanted) queueMicrotask(() => this._wanted && this.connect()); // so that all events have their listeners
  }

  /** Connects, and stays so until close(), or the server says not to come back. */
  connect() {
    this._wanted = true;
    if (this.state !== "disconnected") return;
    this._attempt = 0;
    this._observe("addEventListener");
    this._setState("connecting", { attempt: 0, delay: 0 });
    if (this.state === "connecting") this._dial();
  }

  /** Rejects what waits for an answer, and ends iterators; connect() brings subscriptions back. */
  close() {
    this._sendAcks();
    this._end(new WsedgeError("closed", "the client is closed", { closeCode: 1000 }));
  }

  /** The subscription to a channel, made if there is none. Options count when it is made. */
  subscribe(channel, options) {
    const sub = this.subscriptions.get(channel) ?? new Subscription(this, channel, options);
    return sub.subscribe();
  }

  /** Publishes once, however often the connection breaks meanwhile. */
  publish(channel, data, { idempotencyKey = randomKey(), excludeSelf, timeout } = {}) {
    if (data === undefined) return Promise.reject(new TypeError("no data to publish"));
    const command = { type: "publish", channel, idempotency_key: idempotencyKey ?? undefined, exclude_self: excludeSelf, data };
    return this._ask(command, timeout, idempotencyKey === null);
  }

  presence(channel, { limit, after, timeout } = {}) { return this._ask({ type: "presence", channel, limit, after }, timeout); }

  async history(channel, { limit, since, timeout } = {}) {
    const page = await this._ask({ type: "history", channel, limit, since: since ?? undefined }, timeout);
    page.publications.forEach(decode);
    return page;
  }

  // ---- the connection

  _after(name, ms, f) {
    clearTimeout(this._timers[name]);
    this._timers[name] = setTimeout(f, ms);
  }

  // The network, and being looked at: the timers of a page that nobody sees are slow, or stand still.
  _observe(method) {
    globalThis[method]?.("online", this._wake);
    globalThis[method]?.("offline", this._doubt);
    globalThis.document?.[method]("visibilitychange", this._wake);
  }

  _hangUp() {
    const socket = this._socket;
    this._socket = undefined; // what still comes of it is nothing to us
    this.id = this._bye = undefined;
    this._back = {}; // the turn of those that a ticket brings back
    this._dials++;
    for (const name in this._timers) clearTimeout(this._timers[name]);
    this._timers = {};
    socket?.close(1000);
  }

  async _dial() {
    this._hangUp();
    const dial = this._dials;
    let socket;
    try {
      if (this.options.getToken && !this._token) {
        const token = await this._fetchToken(this.options.getToken, {});
        if (dial !== this._dials) return;
        this._token = token;
      }
      socket = this._socket = new this._WebSocket(this._url, "wsedge.v1");
    } catch (error) {
      if (dial === this._dials) this._lost(1006, error.message, error);
      return;
    }
    this._after("dial", this.options.timeout, () => this._lost(1006, "timeout"));
    // With a token the answer to it is the welcome that counts.
    this._helloID = this._token ? this._nextID++ : undefined;
    socket.onopen = () => socket === this._socket && this._token && this._hello();
    socket.onmessage = (event) => {
      if (socket !== this._socket) return;
      this._heard++;
      let m;
      try { m = JSON.parse(event.data); } catch { /* as below */ }
      if (!m) return this._lost(1006, "protocol", new WsedgeError("protocol", "this is no wsedge.v1"));
      this._receive(m);
    };
    socket.onclose = (event) => socket === this._socket && this._lost(event.code, event.reason);
    // onclose follows at once, but for Node 20 and 22, where there is none.
    socket.onerror = () => socket === this._socket && socket.readyState !== 1 && this._after("error", 0, () => this._lost(1006, "error"));
  }

  // _hello says who this is: by the server's last ticket, which brings subscriptions back, too, or by the token.
  _hello() {
    const m = { type: "connect", id: this._helloID, ticket: this._ticket, positions: {} };
    for (const { channel, _from } of this.subscriptions.values()) m.positions[channel] = _from;
    const text = JSON.stringify(m);
    this._send(this._ticket && !tooLong(text, this.options.maxMessageBytes) ? text : { ...m, ticket: true, token: this._token, positions: undefined });
  }

  _welcome(m) {
    clearTimeout(this._timers.dial);
    this._ticket = m.ticket ?? this._ticket;
    for (const channel of m.channels ?? []) { // answers are on their way
      const sub = this.subscriptions.get(channel);
      if (sub) sub._turn = this._back;
      else new Subscription(this, channel)._leave();
    }
    this.id = m.client;
    this.user = m.user;
    this.node = m.node;
    this._silence = (m.ping || SILENCE) * 1000;
    this._listen();
    this._after("stable", this.options.stableAfter, () => { this._attempt = 0; });
    this._plan(m.expires_in);
    this._setState("connected", { client: m.client, user: m.user, node: m.node });
    for (const sub of this.subscriptions.values()) if (!sub._turn) sub._join(); // a listener may have made some
    this._pump();
  }

  // _lost ends a connection, or an attempt, and decides whether to come back, and when.
  _lost(code, reason, error) {
    const bye = this._bye, { getToken, minDelay, maxDelay } = this.options;
    if (bye && code === 1006) ({ code, reason } = bye); // its close frame was lost
    const stale = code === 3005 || code === 3500 && /^token_/.test(reason);
    if (stale && getToken) this._token = this._ticket = undefined;
    if (FINAL.includes(code) || code >= 3500 && code < 4000 && !(stale && getToken)) {
      return this._end(new WsedgeError("disconnected", `${code} ${reason}`, { closeCode: code, reason }));
    }
    if (!this._forget()) return;
    const delay = (bye?.retry_after_ms ?? 0) + jitter(maxDelay, minDelay, this._attempt);
    this._after("redial", delay, () => this._dial());
    this._setState("connecting", { code, reason, attempt: ++this._attempt, delay });
    if (error) this._fail(error);
  }

  // _end is for good, until connect() is called.
  _end(error) {
    this._wanted = false;
    if (!this._forget()) return;
    this._observe("removeEventListener");
    for (const command of this._queue.splice(0)) this._settle(command, error);
    for (const sub of this.subscriptions.values()) sub._endStreams(error.code === "closed" ? undefined : error);
    if (this.state !== "disconnected") this._setState("disconnected", { code: error.closeCode, reason: error.reason ?? error.message });
    if (this._wanted) this.connect(); // a listener's wish
  }

  // _forget leaves nothing of the connection. Commands that may be sent twice go back to the queue.
  // False: a listener has closed the client, and may have connected it again.
  _forget() {
    this._hangUp();
    const dial = this._dials;
    for (const sub of this.subscriptions.values()) sub._suspend();
    const sent = [...this._flying.values()];
    this._flying.clear();
    for (const command of sent) clearTimeout(command.again);
    this._queue.unshift(...sent.filter((command) => !command.bound));
    const lost = new WsedgeError("connection_lost", "the connection broke before the answer came; it may have taken effect");
    for (const command of [...sent.filter((command) => command.bound), ...this._urgent.splice(0)]) this._settle(command, lost);
    return dial === this._dials;
  }

  _fail(error) {
    if (!this._emit("error", error)) console.warn("wsedge:", error);
  }

  // A browser does not show pings: whoever hears nothing for as long asks, and gives up without an answer.
  _listen() {
    const heard = this._heard;
    this._after("silence", this._silence, () => (this._heard === heard ? this._probe() : this._listen()));
  }

  _probe() {
    const heard = this._heard;
    this._send({ type: "ping" });
    this._after("silence", this.options.pongTimeout, () => (this._heard === heard ? this._lost(1006, "no_pong") : this._listen()));
  }

  // ---- tokens

  async _fetchToken(getToken, about) {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("getToken did not answer in time")), this.options.timeout); });
    try {
      return await Promise.race([getToken(about), late]);
    } catch (cause) {
      throw new WsedgeError("token", cause?.message, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  // _plan has a token replaced after 75 to 90 % of its time: not by all at once.
  _plan(expiresIn) {
    if (expiresIn && this.options.getToken) this._after("refresh", expiresIn * (750 + Math.random() * 150), () => this._refresh(0));
  }

  async _refresh(attempt) {
    const dial = this._dials;
    try {
      const token = await this._fetchToken(this.options.getToken, {});
      if (dial !== this._dials) return;
      this._token = token;
      this._command({ type: "refresh", token }, (error, m) => (error ? this._refreshLater(attempt, dial, error) : this._plan(m.expires_in)), { urgent: true });
    } catch (error) {
      this._refreshLater(attempt, dial, error);
    }
  }

  _refreshLater(attempt, dial, error) {
    if (dial !== this._dials) return; // the next connection brings a new one
    this._after("refresh", jitter(this.options.maxDelay, this.options.minDelay, attempt), () => this._refresh(attempt + 1));
    this._fail(error);
  }

  // ---- commands

  _send(m) {
    if (this._socket?.readyState === 1) this._socket.send(typeof m === "string" ? m : JSON.stringify(m));
  }

  _ask(m, timeout, bound) {
    return new Promise((resolve, reject) => {
      if (!this._wanted) return reject(new WsedgeError("closed", "the client is not connected"));
      if (this._queue.length + this._flying.size >= this.options.maxQueue) return reject(new WsedgeError("queue_full", "too many commands wait"));
      this._command(m, (error, answer) => (error ? reject(error) : resolve(answer)), { timeout, bound });
    });
  }

  // _command sends now or later. done is called once, in the turn of the answer: messages may stand behind it.
  // An urgent or bound command ends with its connection; others are sent again, with the same id and key.
  _command(m, done, { urgent, bound = urgent, timeout = this.options.timeout, wanted = () => true } = {}) {
    const id = this._nextID++, command = { id, text: JSON.stringify({ ...m, id }), done, bound, wanted, refusals: 0 };
    if (tooLong(command.text, this.options.maxMessageBytes)) return done(new WsedgeError("too_large", "the message is larger than the server takes"));
    command.timer = setTimeout(() => this._settle(command, command.refusal ?? new WsedgeError("timeout", `no answer to ${m.type} in time`)), timeout);
    (urgent ? this._urgent : this._queue).push(command);
    this._pump();
  }

  _pump() {
    while (this.id !== undefined && this._flying.size < IN_FLIGHT) {
      const command = this._urgent.shift() ?? this._queue.shift();
      if (!command) return;
      this._flying.set(command.id, command);
      this._send(command.text);
    }
  }

  _settle(command, error, answer) {
    clearTimeout(command.timer);
    clearTimeout(command.again);
    this._flying.delete(command.id);
    for (const list of [this._urgent, this._queue]) if (list.includes(command)) list.splice(list.indexOf(command), 1);
    command.done(error, answer);
    this._pump();
  }

  // What was refused for now is said again, later each time.
  _refused(command, error) {
    if (error.code !== "rate" && error.code !== "unavailable") return this._settle(command, error);
    command.refusal = error;
    clearTimeout(command.again);
    const delay = jitter(this.options.maxDelay, this.options.minDelay, command.refusals++);
    command.again = setTimeout(() => (command.wanted() ? this._send(command.text) : this._settle(command, error)), delay);
  }

  // ---- what the server says

  _receive(m) {
    const command = m.id === undefined ? undefined : this._flying.get(m.id);
    const sub = this.subscriptions.get(m.channel), hello = m.id !== undefined && m.id === this._helloID;
    switch (m.type) {
      case "welcome":
        if (m.id === this._helloID && this.state === "connecting") this._welcome(m);
        return;
      case "disconnect":
        this._bye = m;
        return;
      case "message":
        return this._message(decode(m), sub);
      case "ticket":
        this._ticket = m.ticket;
        return;
      case "error": {
        if (hello && m.channel) return sub?._turn === this._back && sub._suspend(true); // it asks for itself, and hears why not
        if (hello && this._ticket) { // not good any more
          this._ticket = undefined;
          return this._hello();
        }
        const error = new WsedgeError(m.code, m.message, { channel: m.channel });
        if (command) this._refused(command, error);
        else (sub ?? this)._fail(error);
        return;
      }
      case "subscribed":
        if (m.id === undefined) this._given(m, sub);
        else if (hello && sub?._turn === this._back) sub._begin(m);
        break;
      case "unsubscribed":
        if (m.id === undefined) sub?._removed(m.reason);
        else if (sub?.state === "subscribed") sub._suspend(true); // an answer that has overtaken a newer wish
        break;
      case "gap": case "join": case "leave": case "presence":
        if (m.id === undefined && sub?.state === "subscribed") sub._emit(m.type, m);
    }
    if (command) this._settle(command, undefined, m);
  }

  // One copy comes for the channel and for a wildcard that covers it.
  _message(m, own) {
    if (own?._take(m) === false) return;
    for (let i = m.channel.indexOf(":"); i >= 0; i = m.channel.indexOf(":", i + 1)) this.subscriptions.get(`${m.channel.slice(0, i + 1)}*`)?._take(m);
  }

  // The server has subscribed the client to a channel.
  _given(m, sub) {
    if (!sub) this.subscriptions.set(m.channel, sub = new Subscription(this, m.channel));
    sub.serverSide ||= sub.state === "unsubscribed";
    sub._begin(m);
  }

  // Acknowledgements are cumulative.
  _ackSoon() {
    if (!this._timers.acks && this.id !== undefined) this._after("acks", this.options.ackInterval, () => this._sendAcks());
  }

  _sendAcks() {
    delete this._timers.acks;
    for (const sub of this.subscriptions.values()) sub._sendAck();
  }
}

/** A channel, or a wildcard such as "chat:*", of a client. Made by client.subscribe, or by the server. */
export class Subscription extends Emitter {
  constructor(client, channel, options = {}) {
    super();
    this.client = client;
    this.channel = channel;
    this.options = options;
    this.state = "unsubscribed";
    this.serverSide = false;
    this._token = options.token;
    this._epoch = options.since?.epoch;
    this._offset = options.since?.offset ?? 0; // recovery begins behind it
    this._seen = this._offset; // what is not above it has been handed out
    this._acked = this._sentAck = 0;
    this._returning = this._epoch !== undefined;
    this._failures = 0;
    this._streams = new Set();
  }

  /** Where one would go on from, to be given as `since`; null where that is nowhere (yet). */
  get position() { return this._epoch === undefined ? null : { epoch: this._epoch, offset: this._offset }; }

  get _from() { return this.options.recover !== false && this.position || undefined; }

  /** Subscribes again, after its end. */
  subscribe() {
    const { subscriptions } = this.client, before = this.serverSide;
    this.serverSide = false; // from now on it is the client's wish, too
    if (this.state === "unsubscribed") {
      if (subscriptions.has(this.channel)) throw new WsedgeError("already_subscribed", "another subscription has this channel", { channel: this.channel });
      subscriptions.set(this.channel, this);
      this._setState("subscribing");
    } else if (!before) return this;
    this._join();
    return this;
  }

  unsubscribe() {
    this._sendAck();
    if (this.state !== "unsubscribed" && this.client.state === "connected") this._leave();
    this._end("client");
  }

  publish(data, options) { return this.client.publish(this.channel, data, options); }
  presence(options) { return this.client.presence(this.channel, options); }
  history(options) { return this.client.history(this.channel, options); }

  /** Acknowledges a message, or an offset, and all before it: by default the last that came. An earlier epoch means nothing now. */
  ack(upTo = this._seen) {
    if (upTo.epoch !== undefined && upTo.epoch !== this._epoch) return;
    // Beyond what has come it would be a bad request.
    this._acked = Math.max(this._acked, Math.min(upTo.offset ?? upTo, Math.max(this._seen, this._offset)));
    this.client._ackSoon();
  }

  /** The messages from now on, for `for await`. Behind `limit` that nobody has taken it fails with `slow_consumer`. */
  messages({ limit = 1_000 } = {}) {
    const stream = new Stream(limit, () => this._streams.delete(stream));
    if (this.state === "unsubscribed") stream._end();
    else this._streams.add(stream);
    return stream;
  }

  [Symbol.asyncIterator]() { return this.messages(); }

  _fail(error) {
    if (!this._emit("error", error)) this.client._fail(error);
  }

  async _join() {
    if (this.state !== "subscribing" || this.serverSide || this.client.state !== "connected") return;
    clearTimeout(this._timer);
    const turn = this._turn = {}, { getToken } = this.options, fetched = getToken && !this._token;
    if (fetched) {
      try {
        const token = await this.client._fetchToken(getToken, { channel: this.channel });
        if (turn !== this._turn) return;
        this._token = token;
      } catch (error) {
        return turn === this._turn && this._again(error);
      }
    }
    this.client._command({ type: "subscribe", channel: this.channel, token: this._token, recover: this._from }, (error, m) => {
      if (turn !== this._turn) return; // unsubscribed meanwhile, or the connection broke
      if (!error) return this._begin(m);
      switch (error.code) {
        case "rate": case "unavailable": case "timeout":
          return this._again(error);
        case "already_subscribed": // the server's own is on its way; if not, begin anew, but once: wildcards may overlap
          if (this._anew) break;
          this._timer = setTimeout(() => this._suspend(true, true), this.client.options.timeout);
          return;
        case "permission_denied":
          if (getToken && !fetched) { this._token = undefined; return this._join(); }
      }
      this._end(error.code, error);
    }, { urgent: true, wanted: () => turn === this._turn });
  }

  _again(error) {
    const { maxDelay, minDelay } = this.client.options;
    this._timer = setTimeout(() => this._join(), jitter(maxDelay, minDelay, this._failures++));
    if (error) this._fail(error);
  }

  // _begin takes the server's word for where it stands. Missed messages are behind it, above _seen.
  _begin(m) {
    const same = this._epoch === m.epoch, { offset = 0, epoch, acked } = m;
    // Nobody asks to recover what the server subscribes to: nothing is missing if nothing has happened.
    const recovered = m.recovered ?? (this._returning ? same && epoch !== undefined && offset === this._offset : undefined);
    if (!same) this._seen = this._acked = this._sentAck = 0;
    if (!recovered) this._offset = offset; // and _seen stays: the latest value, which comes now, may not be above offset
    else if (acked !== undefined) { // what was not acknowledged comes once more
      this._offset = this._seen = Math.max(this._acked, same ? Math.min(acked, this._offset) : acked);
    }
    this._epoch = epoch;
    this._returning = true;
    this._failures = 0;
    this._anew = false;
    this._sentAck = acked ?? 0;
    this._turn = undefined;
    clearTimeout(this._timer);
    const about = { recovered, epoch, offset, acked };
    this._setState("subscribed", about);
    this.client._emit("subscribed", this, about);
    if (this._acked > this._sentAck) this.client._ackSoon();
  }

  // _suspend waits for a connection. With rejoin there is one: only the subscription begins anew.
  _suspend(rejoin, leaveFirst) {
    clearTimeout(this._timer);
    this._turn = undefined;
    if (this.state === "subscribed") this._setState("subscribing");
    if (this._anew = leaveFirst) this._leave();
    if (rejoin) this._join();
  }

  _leave() { this.client._command({ type: "unsubscribe", channel: this.channel }, () => {}, { urgent: true }); }

  // _removed: the server has ended it. Another token may do.
  _removed(reason) {
    if (/expired|revoked/.test(reason) && this.options.getToken && !this.serverSide) {
      this._token = undefined;
      this._suspend();
      this._again();
    } else this._end(reason, undefined, new WsedgeError(reason, "the server has ended the subscription", { channel: this.channel }));
  }

  _end(reason, error, ended = error) {
    if (this.state === "unsubscribed") return;
    clearTimeout(this._timer);
    this._turn = undefined;
    this.client.subscriptions.delete(this.channel);
    this.serverSide = false;
    if (error) this._fail(error);
    this._endStreams(ended);
    this._setState("unsubscribed", { reason });
    this.client._emit("unsubscribed", this, { reason });
  }

  _endStreams(error) { for (const stream of this._streams) stream._end(error); }

  // _take hands a message out, and returns false for one that was handed out before.
  _take(m) {
    if (this.state !== "subscribed") return;
    if (this.channel === m.channel) {
      if (m.offset <= this._seen) return false;
      this._seen = m.offset;
      m.epoch = this._epoch;
      this._offset = Math.max(this._offset, m.offset);
    }
    for (const stream of this._streams) stream._push(m);
    this._emit("message", m);
  }

  _sendAck() {
    if (this.state !== "subscribed" || this._acked <= this._sentAck) return;
    this._sentAck = this._acked;
    this.client._send({ type: "ack", channel: this.channel, offset: this._acked });
  }
}

/** The messages of a subscription, one after the other. */
class Stream {
  #ready = [];
  #waiting = [];
  #over = false;
  #error;

  constructor(limit, gone) {
    this._limit = limit;
    this._gone = gone;
  }

  [Symbol.asyncIterator]() { return this; }

  async next() {
    if (this.#ready.length) return { value: this.#ready.shift(), done: false };
    if (!this.#over) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return { value: undefined, done: true };
  }

  async return() {
    this.#ready = [];
    this._end();
    return { value: undefined, done: true };
  }

  _push(m) {
    if (this.#waiting.length) this.#waiting.shift().resolve({ value: m, done: false });
    else if (this.#ready.length < this._limit) this.#ready.push(m);
    else this._end(new WsedgeError("slow_consumer", `nobody has taken ${this._limit} messages`, { after: this.#ready.at(-1)?.offset }));
  }

  _end(error) {
    if (this.#over) return;
    this.#over = true;
    this._gone();
    for (const [i, { resolve, reject }] of this.#waiting.entries()) error && i === 0 ? reject(error) : resolve({ value: undefined, done: true });
    if (!this.#waiting.length) this.#error = error;
  }
}
