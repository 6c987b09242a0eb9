// Long lists, the newest first: a page at a time by cursor, the head kept current as the server tells of more. A list
// is kept for a while under its URL, so that a step back from one of its rows finds it as it was.
//
// While the reader is at the top, new rows appear; further down nothing moves, and the number of new ones is told. Rows
// are merged by asking for the first page again, at most once a second: the server alone knows what a filter means, and
// five hundred runs a second would otherwise be five hundred changes.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, aborted, asError } from "./client";
import type { Topic } from "./live";
import { useTopics } from "./use";

export interface Page<T> {
  rows: T[];
  next: string | undefined;
}

interface Kept<T> extends Page<T> {
  known: Map<string, T>;
  fresh: number; // new rows that are held back; -1: more than a page
}

export interface Pages<T> {
  rows: T[];
  more: boolean;
  loading: boolean; // nothing is there yet
  error: ApiError | undefined;
  fresh: number;
  loadMore: () => void;
  showFresh: () => void;
  reload: () => void;
}

const keptLists = new Map<string, Kept<never>>();
const keptMost = 8;
const topZone = 120; // pixels from the top within which new rows may appear

interface Source<T> {
  key: string;
  fetch: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;
  id: (row: T) => string;
  topics: Topic[];
  told?: (f: (row: T) => void) => () => void; // listens to rows that are told of whole
}

export function usePages<T>(source: Source<T>): Pages<T> {
  const latest = useRef(source);
  latest.current = source;
  const list = useRef<Kept<T>>(recall(source.key));
  const busy = useRef(false);
  const [error, setError] = useState<ApiError>();
  const [loading, setLoading] = useState(list.current.rows.length === 0);
  const [, draw] = useState(0);
  const redraw = useCallback(() => draw((n) => n + 1), []);

  const ask = useCallback(
    async (cursor: string | undefined, signal: AbortSignal, take: (page: Page<T>) => void) => {
      try {
        const page = await latest.current.fetch(cursor, signal);
        if (!signal.aborted) {
          take(page);
          setError(undefined);
        }
      } catch (e) {
        if (!aborted(e) && !signal.aborted) {
          setError(asError(e));
        }
      }
    },
    [],
  );

  const control = useRef(new AbortController());
  const start = useCallback(
    (again: boolean) => {
      control.current.abort();
      control.current = new AbortController();
      busy.current = false;
      const signal = control.current.signal;
      setLoading(list.current.rows.length === 0);
      void ask(undefined, signal, (page) => {
        if (again || list.current.rows.length === 0) {
          list.current = keep(latest.current.key, whole(page, latest.current.id));
        } else {
          merge(list.current, page, latest.current.id, atTop());
        }
        redraw();
      }).then(() => !signal.aborted && setLoading(false));
    },
    [ask, redraw],
  );

  useEffect(() => {
    list.current = recall(source.key);
    setError(undefined);
    redraw();
    start(false);
    return () => control.current.abort();
  }, [source.key, start, redraw]);

  useTopics(source.topics, () => {
    if (busy.current) {
      return;
    }
    busy.current = true;
    void ask(undefined, control.current.signal, (page) => {
      merge(list.current, page, latest.current.id, atTop());
      redraw();
    }).finally(() => (busy.current = false));
  });

  useEffect(() => {
    const waiting = new Map<string, T>();
    let timer = 0;
    const stop = latest.current.told?.((row) => {
      if (!list.current.known.has(latest.current.id(row))) {
        return;
      }
      waiting.set(latest.current.id(row), row);
      timer ||= window.setTimeout(() => {
        timer = 0;
        update(list.current, waiting, latest.current.id);
        waiting.clear();
        redraw();
      }, 250);
    });
    return () => {
      window.clearTimeout(timer);
      stop?.();
    };
  }, [redraw]);

  const loadMore = useCallback(() => {
    const cursor = list.current.next;
    if (cursor === undefined || busy.current) {
      return;
    }
    busy.current = true;
    void ask(cursor, control.current.signal, (page) => {
      append(list.current, page, latest.current.id);
      redraw();
    }).finally(() => (busy.current = false));
  }, [ask, redraw]);

  const reload = useCallback(() => start(true), [start]);
  const showFresh = useCallback(() => {
    window.scrollTo(0, 0);
    start(true);
  }, [start]);

  const current = list.current;
  return { rows: current.rows, more: current.next !== undefined, loading, error, fresh: current.fresh, loadMore, showFresh, reload };
}

function atTop(): boolean {
  return window.scrollY < topZone;
}

function recall<T>(key: string): Kept<T> {
  return (keptLists.get(key) as Kept<T> | undefined) ?? { rows: [], next: undefined, known: new Map(), fresh: 0 };
}

function keep<T>(key: string, list: Kept<T>): Kept<T> {
  keptLists.delete(key);
  keptLists.set(key, list as Kept<never>);
  for (const old of keptLists.keys()) {
    if (keptLists.size <= keptMost) {
      break;
    }
    keptLists.delete(old);
  }
  return list;
}

function whole<T>(page: Page<T>, id: (row: T) => string): Kept<T> {
  return { ...page, known: new Map(page.rows.map((row) => [id(row), row])), fresh: 0 };
}

/** merge brings the head of a list up to date with the newest page. */
function merge<T>(list: Kept<T>, page: Page<T>, id: (row: T) => string, show: boolean): void {
  const first = page.rows.findIndex((row) => list.known.has(id(row)));
  const added = first === -1 ? page.rows : page.rows.slice(0, first);
  update(list, new Map(page.rows.slice(added.length).map((row) => [id(row), row])), id);
  const gap = first === -1 && list.rows.length > 0;
  if (!show) {
    list.fresh = gap ? -1 : added.length;
    return;
  }
  list.fresh = 0;
  if (gap) { // more than a page is new: what lies between is unknown
    Object.assign(list, whole(page, id));
    return;
  }
  if (added.length > 0) {
    list.rows = [...added, ...list.rows];
    added.forEach((row) => list.known.set(id(row), row));
  }
  if (list.rows.length === page.rows.length) {
    list.next = page.next;
  }
}

function update<T>(list: Kept<T>, changed: Map<string, T>, id: (row: T) => string): void {
  let touched = false;
  for (const [key, row] of changed) {
    if (list.known.has(key)) {
      list.known.set(key, row);
      touched = true;
    }
  }
  if (touched) {
    list.rows = list.rows.map((row) => changed.get(id(row)) ?? row);
  }
}

function append<T>(list: Kept<T>, page: Page<T>, id: (row: T) => string): void {
  const added = page.rows.filter((row) => !list.known.has(id(row)));
  added.forEach((row) => list.known.set(id(row), row));
  list.rows = [...list.rows, ...added];
  list.next = page.next;
}
