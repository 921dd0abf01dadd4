// A real wsedge, which tests start, stop and kill, and a network before it that can be cut. WSEDGE_BINARY names the program.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { Client } from "../../wsedge.js";

const patience = 30_000;

/** eventually waits until ok() is true. */
export async function eventually(what, ok) {
  for (const end = Date.now() + patience; !(await ok());) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10)); // polls, up to patience
  }
}

/** happens resolves to the first argument of the next such event for which ok is true. */
export function happens(emitter, event, ok = () => true) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`never: ${event}`)), patience);
    const off = emitter.on(event, (about) => {
      if (!ok(about)) return;
      clearTimeout(late);
      off();
      resolve(about);
    });
  });
}

/** Server is a wsedge that can be started again at its address. */
export class Server {
  port = 0;

  constructor(args) { this.args = args; }

  async start() {
    this.process = spawn(process.env.WSEDGE_BINARY, ["serve", "--addr", `127.0.0.1:${this.port}`, ...this.args], { stdio: ["ignore", "ignore", "pipe"] });
    this.log = [];
    for await (const line of createInterface({ input: this.process.stderr })) {
      this.log.push(line);
      const [, port] = /msg=listening addr=\S+:(\d+)/.exec(line) ?? [];
      if (port) {
        this.port = Number(port);
        this.process.stderr.resume();
        return this;
      }
    }
    throw new Error(`wsedge does not listen:\n${this.log.join("\n")}`);
  }

  async end(signal) {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill(signal);
    await gone;
  }

  /** api calls the HTTP API. */
  async api(method, params, key) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/${method}`, { method: "POST", body: JSON.stringify(params), headers: key ? { "X-API-Key": key } : {} });
    const reply = await answer.json();
    if (!answer.ok) throw new Error(`${method}: ${answer.status} ${JSON.stringify(reply)}`);
    return reply;
  }
}

/** serve starts a server for the time of a test. */
export async function serve(t, ...args) {
  const server = await new Server(args).start();
  t.after(() => server.end("SIGKILL"));
  return server;
}

/** connect makes a client for the time of a test. WSEDGE_GLOBAL_WEBSOCKET says that Node's own WebSocket is to be used. */
export function connect(t, port, options) {
  const client = new Client(`ws://127.0.0.1:${port}/ws`, { minDelay: 20, maxDelay: 200, ...(process.env.WSEDGE_GLOBAL_WEBSOCKET ? {} : { WebSocket }), ...options });
  const errors = [];
  client.on("error", (error) => errors.push(error));
  t.after(() => client.close());
  return Object.assign(client, { errors });
}

/** network is a proxy to a port: cut() breaks all connections and refuses new ones, mute() swallows what the server says, mend() ends both. */
export async function network(t, port) {
  const links = new Set();
  let state = "whole";
  const proxy = net.createServer((near) => {
    if (state === "cut") return near.destroy();
    const far = net.connect(port, "127.0.0.1");
    links.add(near).add(far);
    near.on("data", (data) => far.write(data)).on("error", () => {}).on("close", () => { links.delete(near); far.destroy(); });
    far.on("data", (data) => state === "mute" || near.write(data)).on("error", () => {}).on("close", () => { links.delete(far); near.destroy(); });
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const cut = () => { state = "cut"; for (const link of links) link.destroy(); };
  t.after(() => { cut(); proxy.close(); });
  return { port: proxy.address().port, cut, mute: () => { state = "mute"; }, mend: () => { state = "whole"; } };
}

export const secret = "a secret of the tests, which is long enough";
export const apiKey = "a key of the tests";

/** token makes a token for the server of the file configuration; seconds is how long it is still good. */
export function token(seconds, claims) {
  const now = Math.floor(Date.now() / 1000);
  const part = (o) => Buffer.from(JSON.stringify(o)).toString("base64url");
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: now - 60, exp: now + seconds, ...claims })}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

/** configured starts a server that wants tokens; namespaces are lines of YAML, and so is what else is to stand in auth. */
export async function configured(t, namespaces, auth = "") {
  const dir = await mkdtemp(join(tmpdir(), "wsedge-js-"));
  t.after(() => rm(dir, { recursive: true }));
  const file = join(dir, "wsedge.yaml");
  await writeFile(file, `listen: {admin_addr: "off"}
auth:
  keys: [{algorithm: HS256, secret: "${secret}"}]
  api_keys: [{name: test, secret: "${apiKey}", scopes: [all]}]
${auth}
namespaces:
${namespaces}`, { mode: 0o600 });
  return serve(t, "--config", file);
}
