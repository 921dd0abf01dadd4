// What the console asks the server for. It knows no key: the browser has a cookie that no script can read.

/** Why a request failed. `code` is a word of the API's (docs/PROTOCOL.md); `offline` where there was no answer at all. */
export class Failure extends Error {
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What the session may do; filled by start. */
export const session = { login: false, in: false, node: "", version: "", name: "", scopes: [], socket: "/ws" };

export const may = (scope) => session.scopes.includes(scope) || session.scopes.includes("all");

let loggedOut = () => {};
/** Calls f whenever an answer says that there is no login (any more). */
export function onLoggedOut(f) { loggedOut = f; }

async function ask(path, options) {
  let answer, text;
  try {
    answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(12_000), ...options });
    text = await answer.text();
  } catch {
    throw new Failure("offline", "the server does not answer", 0);
  }
  let value;
  try { value = JSON.parse(text); } catch { value = { code: "bad_answer", message: `status ${answer.status}` }; }
  if (answer.ok) return value;
  if (answer.status === 401 && path !== "/console/login") loggedOut(); // it has expired, or the node has begun anew
  throw new Failure(value.code, value.message ?? `status ${answer.status}`, answer.status);
}

const post = (path, body) => ask(path, {
  method: "POST", headers: { "Content-Type": "application/json", "X-Wsedge-Console": "1" }, body: typeof body === "string" ? body : JSON.stringify(body),
});

export const stats = () => ask("/console/stats");
/** A method of the HTTP API, with what it takes. A string is sent as it is. */
export const api = (method, params) => post(`/console/api/${method}`, params);

/** Asks who we are, and tells whether we are in. */
export async function start() {
  Object.assign(session, { name: "", scopes: [] }, await ask("/console/session"));
  return session.in;
}
export const logIn = (key) => post("/console/login", { key });
export const logOut = () => post("/console/logout", {});
