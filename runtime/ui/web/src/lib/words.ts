// How things stand, in words.

import type { Run, Step } from "../api/types.gen";
import { now } from "./clock";
import { relative } from "./format";

/** ended tells whether a run is over. */
export function ended(status: string): boolean {
  return !["running", "waiting", "queued"].includes(status);
}

const queues: Record<string, string> = {
  paused: "held, since its recipe is paused",
  concurrency: "waits for a place: concurrency",
  throttle: "throttled",
  debounce: "debounced",
};

/** standing says why a run is as it is: what failed, what stopped it, what it waits for. Empty where the status says
 * it all. */
export function standing(run: Run): string {
  const due = run.due_at === undefined ? "" : dueWords(run.due_at);
  if (run.status === "queued") {
    return [queues[run.queue ?? ""] ?? "about to start", due].filter((part) => part !== "").join(", ");
  }
  if (run.error !== undefined) {
    return failure(run.error) + (due === "" || ended(run.status) ? "" : `; on_error ${due}`);
  }
  if (run.status === "waiting") {
    return due === "" ? "goes on when what it waits for has come" : due;
  }
  if (run.stopped_by !== undefined) {
    if (run.status === "skipped") {
      return run.stopped_by === "paused" ? "dropped, since its recipe is paused" : `dropped by ${run.stopped_by}`;
    }
    return `stopped by “${run.stopped_by}”`;
  }
  return "";
}

/** dueWords says when something goes on. */
export function dueWords(at: string): string {
  const time = Date.parse(at);
  return time <= now.value + 1500 ? "about to go on" : `goes on ${relative(time, now.value)}`;
}

/** failure says where and why something failed. */
export function failure(error: NonNullable<Run["error"]>): string {
  const where = error.step === undefined || error.step === "" ? "" : `${error.step.replace(/^action\./, "")}: `;
  return `${where}${error.message}`;
}

/** kindWords says what a kind of failure means. */
export function kindWords(kind: string): string {
  return kind.replace(/_/g, " ");
}

/** stepId tells the elements of a for_each apart. */
export function stepId(step: Step): string {
  return step.each === undefined ? step.address : `${step.address}[${step.each}]`;
}

/** effectWords says what happens when a call is made again. */
export function effectWords(effect: string): string {
  switch (effect) {
    case "read":
      return "reads only";
    case "idempotent":
      return "a repeat changes nothing more";
    case "keyed":
      return "carries the same key, so the vendor acts once";
    case "at_most_once":
      return "a repeat acts again";
    default:
      return effect;
  }
}
