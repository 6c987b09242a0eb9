// What the server tells as it happens, by server-sent events. A browser allows few lines to one server, so a page that
// is not seen gives its line up, and looks anew at what it shows when it is seen again. Only what somebody listens to is
// asked for: at hundreds of events a second that matters.

import { effect, signal } from "@preact/signals";

import { here } from "../lib/router";
import type { StreamEvents } from "./types.gen";

/** line is how the line to the server is. */
export const line = signal<"off" | "opening" | "open" | "lost">("off");

/** What can be listened to: what the stream tells, and resync, when something may have been missed. */
interface Told extends StreamEvents {
  resync: undefined;
}

export type Topic = keyof Told;

type Listener<T extends Topic> = (data: Told[T]) => void;

const listeners: { [T in Topic]: Set<Listener<T>> } = {
  run: new Set(),
  event: new Set(),
  reload: new Set(),
  breakers: new Set(),
  paused: new Set(),
  alert: new Set(),
  missed: new Set(),
  resync: new Set(),
};

const firstWait = 1000;
const longestWait = 15_000;

let source: EventSource | undefined;
let asked = ""; // which topics the line was opened for
let wanted = false; // somebody is signed in
let retry = 0;
let settle = 0;
let wait = firstWait;

/** on calls f with what is told under a topic until the returned function is called. */
export function on<T extends Topic>(topic: T, f: Listener<T>): () => void {
  listeners[topic].add(f);
  check();
  return () => {
    listeners[topic].delete(f);
    check();
  };
}

function tell<T extends Topic>(topic: T, data: Told[T]): void {
  listeners[topic].forEach((f) => f(data));
}

function topics(): (keyof StreamEvents)[] {
  return (Object.keys(listeners) as Topic[]).filter((topic): topic is keyof StreamEvents => topic !== "resync" && listeners[topic].size > 0).sort();
}

// Parts of the page come and go together; the line is looked at once they have.
function check(): void {
  window.clearTimeout(settle);
  settle = window.setTimeout(() => {
    if (source !== undefined && topics().join() !== asked) {
      connect();
    }
  }, 50);
}

function connect(): void {
  close();
  if (!wanted || document.hidden || here.value.query.get("live") === "0") {
    return;
  }
  line.value = "opening";
  const names = topics();
  asked = names.join();
  const stream = new EventSource(`/api/v1/stream?masked=1&only=${asked}`);
  source = stream;
  stream.onopen = () => {
    line.value = "open";
    wait = firstWait;
    tell("resync", undefined); // what was looked at before the line was open may have changed since
  };
  stream.onerror = () => {
    stream.close();
    if (source === stream) {
      source = undefined;
      line.value = "lost";
      retry = window.setTimeout(connect, wait);
      wait = Math.min(wait * 2, longestWait);
    }
  };
  for (const topic of names) {
    stream.addEventListener(topic, (message: MessageEvent<string>) => tell(topic, JSON.parse(message.data)));
  }
}

function close(): void {
  window.clearTimeout(retry);
  source?.close();
  source = undefined;
  line.value = "off";
}

/** start opens the line, and keeps it while the page is seen. */
export function start(): void {
  wanted = true;
  connect();
}

/** stop closes the line. */
export function stop(): void {
  wanted = false;
  close();
}

/** follow opens and closes the line as the page is seen and hidden, and as ?live=0 comes and goes. */
export function follow(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
    } else if (source === undefined) {
      connect();
    }
  });
  let held = here.value.query.get("live") === "0";
  effect(() => {
    const off = here.value.query.get("live") === "0";
    if (off !== held) {
      held = off;
      connect();
    }
  });
}
