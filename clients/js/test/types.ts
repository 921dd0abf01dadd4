// What an application would write, held against wsedge.d.ts by tsc. Lines marked as errors must be some.
import { Client, WsedgeError, type Message, type Position, type Subscription } from "wsedge";

interface Article { title: string }

const client = new Client("wss://push.example.org/ws", { getToken: async () => "token", minDelay: 250 });
client.on("state", (state, before) => state === "connected" && before === "connecting");
client.on("connecting", ({ attempt, delay, code }) => attempt + delay + (code ?? 0));
const off: () => void = client.on("error", (error) => error.code === "token");
off();

const news: Subscription<Article> = client.subscribe<Article>("news", { since: { epoch: "e", offset: 12 }, getToken: ({ channel }) => channel });
news.on("message", (m) => { m.data.title.toUpperCase(); news.ack(m); });
news.on("subscribed", ({ recovered }) => recovered === false);
news.on("gap", ({ after, before, refill }) => refill || before - after);
news.on("join", ({ user, count }) => `${user} ${count}`);
const kept: Position | null = news.position;

async function use(): Promise<number> {
  for await (const m of news) {
    const whole: Message<Article> = m;
    if (whole.offset > 100) break;
  }
  try {
    const { offset } = await client.publish("news", { title: "t" }, { idempotencyKey: "k", excludeSelf: true });
    const page = await client.history<Article>("news", { since: kept, limit: 10 });
    const { count, clients = [] } = await news.presence({ limit: 10 });
    return offset + page.publications[0].data.title.length + count + clients.length;
  } catch (error) {
    return error instanceof WsedgeError && error.code === "rate" ? 1 : 0;
  }
}
void use().then(() => client.close());

class Socket {
  readyState = 0;
  onopen = null; onmessage = null; onclose = null; onerror = null;
  constructor(readonly url: string, readonly protocol: string) {}
  send(text: string) { void text; }
  close(code?: number) { void code; }
}
new Client("/ws", { WebSocket: Socket, autoConnect: false });

// @ts-expect-error: there is no such event
client.on("mesage", () => {});
// @ts-expect-error: not an article
void news.publish({ name: "t" });
// @ts-expect-error: subscriptions are made by the client
new (news.constructor as typeof Subscription)();
// @ts-expect-error: no such option
new Client("/ws", { reconnect: true });
