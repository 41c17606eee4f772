// Requests to the control interface. Paths are relative: a proxy may serve the page under a path of its own.

const ANSWER_WITHIN_MS = 10_000;

let token = '';  // in memory only: another page of this origin must not find it

export function useToken(value) {
  token = value;
}

export function hasToken() {
  return token !== '';
}

/** The daemon answered, but did not do what was asked. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

function reasonIn(status, text) {
  try {
    const said = JSON.parse(text);
    return said.error ?? `${said.state}: ${said.why ?? 'no reason is given'}`;
  } catch {
    return `the answer is HTTP status ${status}`;
  }
}

/** The answer, once its head is there; its body is still to be read. */
export async function open(method, path, {body, signal} = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, {method, headers, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'error'});
  if (!answer.ok) throw new Refusal(answer.status, reasonIn(answer.status, await answer.text()));
  return answer;
}

/** The body of the answer as text. */
export async function ask(method, path, {body, limit = ANSWER_WITHIN_MS} = {}) {
  const answer = await open(method, path, {body, signal: AbortSignal.timeout(limit)});
  return answer.text();
}

export async function askJson(method, path, options) {
  return JSON.parse(await ask(method, path, options));
}

export function pathOf(session) {
  return `api/v1/sessions/${encodeURIComponent(session)}`;
}
