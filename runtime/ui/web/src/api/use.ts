// Hooks: data that is asked for when a part of the page appears, and asked for anew when something happened.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, aborted, asError } from "./client";
import { on, type Topic } from "./live";

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

/** useData loads what key names, anew whenever key changes or one of the topics is told of, at most once a second. What
 * was loaded under another key is dropped at once, unless keep says that it is of the same kind. An empty key loads
 * nothing. */
export function useData<T>(key: string, load: (signal: AbortSignal) => Promise<T>, topics: Topic[] = [], keep = false): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: ApiError; loading: boolean }>({ key, loading: key !== "" });
  const [turn, setTurn] = useState(0);
  const loader = useRef(load);
  loader.current = load;

  useEffect(() => {
    if (key === "") {
      return undefined;
    }
    const control = new AbortController();
    setState((old) => (old.key === key || keep ? { ...old, key, loading: true } : { key, loading: true }));
    loader.current(control.signal).then(
      (data) => !control.signal.aborted && setState({ key, data, loading: false }),
      (error: unknown) => {
        if (!aborted(error) && !control.signal.aborted) {
          setState((old) => ({ ...old, key, error: asError(error), loading: false }));
        }
      },
    );
    return () => control.abort();
  }, [key, turn, keep]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  useTopics(topics, reload);
  const set = useCallback((data: T) => setState({ key, data, loading: false }), [key]);
  const mine = state.key === key || keep;
  return {
    data: mine ? state.data : undefined,
    error: mine ? state.error : undefined,
    loading: key !== "" && (state.loading || !mine),
    reload,
    set,
  };
}

/** useTopics calls f when one of the topics is told of: at once, and then at most once in gap milliseconds. */
export function useTopics(topics: Topic[], f: (topic: Topic) => void, gap = 1000): void {
  const latest = useRef(f);
  latest.current = f;
  const names = topics.join(" ");
  useEffect(() => {
    let last = 0;
    let timer = 0;
    const ask = (topic: Topic): void => {
      if (timer !== 0) {
        return;
      }
      timer = window.setTimeout(
        () => {
          timer = 0;
          last = Date.now();
          latest.current(topic);
        },
        Math.max(0, last + gap - Date.now()),
      );
    };
    const stops = names === "" ? [] : (names.split(" ") as Topic[]).map((name) => on(name, () => ask(name)));
    return () => {
      window.clearTimeout(timer);
      stops.forEach((stop) => stop());
    };
  }, [names, gap]);
}

/** usePending runs an action of a button: pending while it is under way, with why it was refused. */
export function usePending(): { pending: boolean; error: ApiError | undefined; run: (f: () => Promise<void>) => void; clear: () => void } {
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<ApiError>();
  const run = useCallback((f: () => Promise<void>) => {
    setPending(true);
    setError(undefined);
    f()
      .catch((e: unknown) => setError(asError(e)))
      .finally(() => setPending(false));
  }, []);
  const clear = useCallback(() => setError(undefined), []);
  return { pending, error, run, clear };
}
