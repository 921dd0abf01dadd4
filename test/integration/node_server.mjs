// An https server with npm's ws, for wsload: whoever connects gets its messages back, except at /ws/raw, where all get what is
// posted to /api/publish. It prints its port.
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { WebSocketServer } from "ws";

const [cert, key] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: { threshold: 0, serverMaxWindowBits: Number(process.env.WINDOW_BITS ?? 15) },
});
const subscribers = new Set();

sockets.on("connection", (ws, request) => {
  if (request.url.startsWith("/ws/raw")) {
    subscribers.add(ws);
    ws.on("close", () => subscribers.delete(ws));
    return;
  }
  ws.on("message", (data, binary) => ws.send(data, { binary }));
});
server.on("request", async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { data } = JSON.parse(Buffer.concat(parts));
  for (const ws of subscribers) ws.send(data);
  response.end("{}");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
