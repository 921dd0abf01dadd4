// The types of wsedge.js. README.md has the guarantees, docs/PROTOCOL.md of wsedge what is spoken.

/** Where one has got to in a channel. Offsets belong to an epoch, and are not comparable across epochs. */
export interface Position {
  epoch: string;
  offset: number;
}

/** What a constructor of WebSockets must be able to do: the browser's, Node's own (22 and later), or npm's `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  onerror: ((event: any) => any) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface ClientOptions {
  /** A token (JWT) to connect with. It is sent in a message, never in the URL. */
  token?: string;
  /**
   * Gets a token: before the first connection if there is no `token`, when 75 to 90 % of a token's time are over, and when the server has
   * refused one as expired or revoked. It must answer within `timeout`. A failure is an `error` with the code `token`, and is tried again.
   */
  getToken?: () => string | Promise<string>;
  /** Connect at once, by itself. Default true. Otherwise connect() does. */
  autoConnect?: boolean;
  /** The constructor of WebSockets. Default: the global one. */
  WebSocket?: new (url: string, protocol: string) => WebSocketLike;
  /** Milliseconds within which a connection must be there, a token, and the answer to a command, reconnects included. Default 10,000. */
  timeout?: number;
  /** Milliseconds: the n-th attempt in a row comes after a random time below min(maxDelay, minDelay · 2ⁿ). Default 500. */
  minDelay?: number;
  /** See minDelay. Default 20,000. */
  maxDelay?: number;
  /** Milliseconds after which a connection counts as good, and delays begin anew. Default 5,000. */
  stableAfter?: number;
  /** Milliseconds in which something must be heard after a ping. Default 8,000. */
  pongTimeout?: number;
  /** Milliseconds for which acknowledgements are gathered. Default 100. */
  ackInterval?: number;
  /** Most commands that wait to be sent or answered; more are rejected with `queue_full`. Default 1,000. */
  maxQueue?: number;
  /** Most bytes of a command, as UTF-8; more is rejected with `too_large`. Default 65,536, which is the server's. */
  maxMessageBytes?: number;
}

export type ClientState = "disconnected" | "connecting" | "connected";
export type SubscriptionState = "unsubscribed" | "subscribing" | "subscribed";

export interface Connecting {
  /** How many attempts have failed, or how many connections broke, since one was good. */
  attempt: number;
  /** Milliseconds until the next attempt. */
  delay: number;
  /** Why the last connection ended; not there at the first. 1006 is for whatever ended without a close frame. */
  code?: number;
  reason?: string;
}

export interface Connected {
  client: string;
  user?: string;
  node: string;
}

export interface Disconnected {
  code: number;
  reason: string;
}

export interface Subscribed {
  /**
   * Not there: the subscription is new. True: everything since the last position comes now, then what is live. False: something is, or may be,
   * missing; what comes is live.
   */
  recovered?: boolean;
  /** The channel's position; neither is there for a wildcard. */
  epoch?: string;
  offset?: number;
  /** In channels with acknowledgement: up to where the user has acknowledged. */
  acked?: number;
}

export interface Message<T = any> {
  type: "message";
  channel: string;
  /** What was published; a Uint8Array if it was bytes. */
  data: T;
  offset: number;
  /** With the offset, the position; not there where only a wildcard has brought it. */
  epoch?: string;
  /** The offset of the publication before, where that is not offset − 1. */
  prev?: number;
  /** The client that published, if one did. */
  client?: string;
  user?: string;
}

/** The publications between the two offsets, both exclusive, were dropped; with `refill` they are only late. */
export interface Gap {
  type: "gap";
  channel: string;
  after: number;
  before: number;
  refill?: boolean;
}

export interface Member {
  client: string;
  user?: string;
  info?: any;
}

/** Somebody has come or gone; `count` is how many there are now. */
export interface Notice extends Member {
  type: "join" | "leave";
  channel: string;
  count: number;
}

export interface Presence {
  channel: string;
  count: number;
  /** Not there where the namespace keeps none, or there are too many to list. */
  clients?: Member[];
  /** There where some nodes did not answer in time: their members are missing. */
  incomplete?: boolean;
  /** The `after` of the next page, if there is one. */
  next?: string;
}

export interface Published {
  channel: string;
  offset: number;
}

export interface History<T = any> extends Position {
  channel: string;
  /** With `since`: whether nothing is missing behind it. */
  recovered?: boolean;
  publications: Pick<Message<T>, "data" | "offset" | "prev" | "client" | "user">[];
}

export interface CommandOptions {
  /** Milliseconds, in place of the client's. */
  timeout?: number;
}

export interface PublishOptions extends CommandOptions {
  /** At most 128 bytes. By default a random one. null: none, and then no second attempt when the connection breaks. */
  idempotencyKey?: string | null;
  /** Keep the message from this connection. */
  excludeSelf?: boolean;
}

export interface PresenceOptions extends CommandOptions {
  /** 1 to 500. Default 100. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
}

export interface HistoryOptions extends CommandOptions {
  /** 1 to 1,000. Default 100. */
  limit?: number;
  /** The oldest behind this position, instead of the newest. */
  since?: Position | null;
}

export interface SubscribeOptions {
  /** A subscription token. */
  token?: string;
  /** Gets one: before the first subscription if there is no `token`, and when the server ends the subscription because of it. */
  getToken?: (about: { channel: string }) => string | Promise<string>;
  /** Where to go on from, such as a `position` that was kept. */
  since?: Position | null;
  /** Ask for what was missed when coming back. Default true. */
  recover?: boolean;
}

/** Why something failed: README.md lists the codes. */
export class WsedgeError extends Error {
  constructor(code: string, message?: string, more?: object);
  code: string;
  channel?: string;
  /** disconnected, closed: the WebSocket's close code. */
  closeCode?: number;
  reason?: string;
  /** slow_consumer: the offset of the last message that the iterator still hands out. */
  after?: number;
}

interface ClientEvents {
  state: [state: ClientState, before: ClientState];
  connecting: [about: Connecting];
  connected: [about: Connected];
  disconnected: [about: Disconnected];
  error: [error: WsedgeError];
  subscribed: [subscription: Subscription, about: Subscribed];
  unsubscribed: [subscription: Subscription, about: { reason: string }];
}

interface SubscriptionEvents<T> {
  state: [state: SubscriptionState, before: SubscriptionState];
  subscribing: [];
  subscribed: [about: Subscribed];
  unsubscribed: [about: { reason: string }];
  message: [message: Message<T>];
  gap: [gap: Gap];
  join: [notice: Notice];
  leave: [notice: Notice];
  presence: [about: { channel: string; count: number }];
  error: [error: WsedgeError];
}

interface Emitter<E extends { [event in keyof E]: any[] }> {
  /** Calls listener at every such event; returns what ends that. */
  on<K extends keyof E>(event: K, listener: (...args: E[K]) => void): () => void;
  once<K extends keyof E>(event: K, listener: (...args: E[K]) => void): () => void;
  off<K extends keyof E>(event: K, listener: (...args: E[K]) => void): void;
}

/** A connection to a wsedge server that comes back by itself. */
export class Client {
  /** url: ws, wss, http or https; in a browser it may be relative to the page, such as "/ws". */
  constructor(url: string | URL, options?: ClientOptions);
  readonly state: ClientState;
  /** Of this connection; undefined without one. */
  readonly id: string | undefined;
  readonly user: string | undefined;
  readonly node: string | undefined;
  /** By channel: all that are not unsubscribed. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;

  /** Connects, and stays connected until close() or until the server says not to come back. */
  connect(): void;
  /** Says goodbye. What waits for an answer is rejected, and iterators end; connect() brings subscriptions back. */
  close(): void;
  /** The subscription to a channel, or a wildcard such as "chat:*", made if there is none. Options count when it is made. */
  subscribe<T = any>(channel: string, options?: SubscribeOptions): Subscription<T>;
  /** Publishes once, however often the connection breaks meanwhile. */
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<Published>;
  presence(channel: string, options?: PresenceOptions): Promise<Presence>;
  history<T = any>(channel: string, options?: HistoryOptions): Promise<History<T>>;
}
export interface Client extends Emitter<ClientEvents> {}

/** A channel, or a wildcard, of a client. Made by client.subscribe, or by the server. */
export class Subscription<T = any> implements AsyncIterable<Message<T>> {
  private constructor();
  readonly client: Client;
  readonly channel: string;
  readonly state: SubscriptionState;
  /** The server has made it, and makes it again when the client comes back, or does not. */
  readonly serverSide: boolean;
  /** Where one would go on from; null where there is no such place. It can be kept, and given as `since`. */
  readonly position: Position | null;

  /** Subscribes again after the end of the subscription. Throws `already_subscribed` where another one has its channel by now. */
  subscribe(): this;
  unsubscribe(): void;
  publish(data: T, options?: PublishOptions): Promise<Published>;
  presence(options?: PresenceOptions): Promise<Presence>;
  history(options?: HistoryOptions): Promise<History<T>>;
  /** Acknowledges a message, or an offset, and all before it: by default the last message that came. */
  ack(upTo?: number | Message<T>): void;
  /** The messages from now on. It fails with `slow_consumer` behind `limit` (default 1,000) messages that nobody has taken. */
  messages(options?: { limit?: number }): AsyncIterableIterator<Message<T>>;
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>>;
}
export interface Subscription<T = any> extends Emitter<SubscriptionEvents<T>> {}
