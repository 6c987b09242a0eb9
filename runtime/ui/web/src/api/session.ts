// Who looks, and what the server is: the two that every page shows.

import { signal } from "@preact/signals";

import { ApiError, asError, get } from "./client";
import { on } from "./live";
import type { Session, Status } from "./types.gen";

/** session is who is signed in; undefined while that is not known, null where nobody is. */
export const session = signal<Session | null | undefined>(undefined);

/** status is the server's, undefined until it has answered. */
export const status = signal<Status | undefined>(undefined);

/** unreachable is why the newest status could not be had. */
export const unreachable = signal<ApiError | undefined>(undefined);

/** mayOperate tells whether the one who looks may change anything. */
export function mayOperate(): boolean {
  return session.value?.role === "operate";
}

/** identify asks who is signed in. */
export async function identify(): Promise<void> {
  try {
    session.value = await get("/api/v1/session");
    unreachable.value = undefined;
  } catch (error) {
    const problem = asError(error);
    if (problem.status === 401) {
      session.value = null;
    } else {
      unreachable.value = problem;
    }
  }
}

/** refresh asks for the status. */
export async function refresh(): Promise<void> {
  if (session.value === null) {
    return;
  }
  try {
    status.value = await get("/api/v1/status");
    unreachable.value = undefined;
  } catch (error) {
    unreachable.value = asError(error);
  }
}

const period = 10_000;

/** follow keeps the status current. */
export function follow(): void {
  window.setInterval(() => {
    if (!document.hidden) {
      void (session.value === undefined ? identify() : refresh());
    }
  }, period);
  for (const topic of ["reload", "breakers", "paused", "alert", "resync"] as const) {
    on(topic, () => void refresh());
  }
}
