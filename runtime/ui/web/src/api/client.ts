// The API as the page calls it. Paths, parameters, bodies and answers are those of the server's own description, from
// which types.gen.ts is made.

import type { Problem, Routes } from "./types.gen";

type Key = keyof Routes & string;
export type PathOf<M extends string> = Key extends infer K ? (K extends `${M} ${infer P}` ? P : never) : never;
type Names<P extends string> = P extends `${string}{${infer N}}${infer Rest}` ? N | Names<Rest> : never;
type Of<K> = K extends Key ? Routes[K] : never;
type Answer<K> = Of<K> extends { answer: infer A } ? A : never;
type Body<K> = Of<K> extends { body: infer B } ? B : never;
type QueryOf<K> = Of<K> extends { query: infer Q extends string } ? Partial<Record<Q, string | string[] | undefined>> : never;

export interface Options<K, P extends string> {
  path?: Record<Names<P>, string>;
  query?: QueryOf<K>;
  signal?: AbortSignal;
}

/** ApiError is a call that was refused, or that nobody answered: then its status is 0. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let onSignedOut: () => void = () => undefined;

/** whenSignedOut says what to do when the server does not know the asker any more. */
export function whenSignedOut(f: () => void): void {
  onSignedOut = f;
}

/** get asks for something. */
export function get<P extends PathOf<"GET">>(path: P, options: Options<`GET ${P}`, P> = {}): Promise<Answer<`GET ${P}`>> {
  return call<Answer<`GET ${P}`>>("GET", path, options.path, options.query, undefined, options.signal);
}

/** post has something done. */
export function post<P extends PathOf<"POST">>(
  path: P,
  body: Body<`POST ${P}`>,
  options: Options<`POST ${P}`, P> = {},
): Promise<Answer<`POST ${P}`>> {
  return call<Answer<`POST ${P}`>>("POST", path, options.path, options.query, body, options.signal);
}

/** del ends something, such as the session. */
export function del<P extends PathOf<"DELETE">>(path: P, options: Options<`DELETE ${P}`, P> = {}): Promise<Answer<`DELETE ${P}`>> {
  return call<Answer<`DELETE ${P}`>>("DELETE", path, options.path, options.query, undefined, options.signal);
}

async function call<A>(
  method: string,
  template: string,
  path: Record<string, string> = {},
  query: Record<string, string | string[] | undefined> = {},
  body?: unknown,
  signal?: AbortSignal,
): Promise<A> {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") {
        params.append(name, one);
      }
    }
  }
  const text = params.toString();
  const url = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? "")) + (text === "" ? "" : `?${text}`);
  const init: RequestInit = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
  if (signal !== undefined) {
    init.signal = signal;
  }
  if (method !== "GET") {
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
    init.body = JSON.stringify(body ?? {});
  }
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    throw new ApiError(0, "unreachable", "The server does not answer.");
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const problem = problemOf(answer);
    if (response.status === 401 && !url.startsWith("/api/v1/session")) {
      onSignedOut();
    }
    throw new ApiError(response.status, problem?.code ?? "http", problem?.message ?? `The server answered ${response.status}.`);
  }
  return answer as A; // what the server describes is what it sends
}

function problemOf(answer: unknown): Problem | undefined {
  if (typeof answer === "object" && answer !== null && "error" in answer) {
    return answer.error as Problem;
  }
  return undefined;
}

/** aborted tells whether a call ended because the page gave it up. */
export function aborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** asError is any failure of a call, as one that can be shown. */
export function asError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "page", error instanceof Error ? error.message : String(error));
}
