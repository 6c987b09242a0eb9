// A long table of which only what is seen is drawn, so that a hundred thousand rows cost what fifty do. It scrolls with
// the page. To a screen reader it is a table with its true length; each row is one link, and j and k go from one to the
// next.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { bind } from "../lib/keys";
import { narrow } from "../lib/media";

export interface Column<T> {
  head: string;
  class: string; // the grid area
  cell: (row: T) => ComponentChildren;
}

interface RowsProps<T> {
  label: string;
  layout: string; // class that lays the columns out
  rows: T[];
  columns: Column<T>[]; // the first one's content is the row's link
  id: (row: T) => string;
  link: (row: T) => string;
  height: { wide: number; narrow: number };
  more: boolean;
  onMore: () => void;
}

const beyond = 12; // rows that are drawn above and below what is seen
const ahead = 60; // rows before the end at which more are asked for

export function Rows<T>({ label, layout, rows, columns, id, link, height, more, onMore }: RowsProps<T>) {
  const body = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState<[number, number]>([0, 60]);
  const wanted = useRef<number | undefined>(undefined);
  const tall = narrow.value ? height.narrow : height.wide;

  useLayoutEffect(() => {
    const look = (): void => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / tall) - beyond);
      const to = Math.ceil((window.innerHeight - top) / tall) + beyond;
      setSeen((old) => (old[0] === from && old[1] === to ? old : [from, to]));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [tall, rows.length]);

  useEffect(() => {
    if (more && seen[1] > rows.length - ahead) {
      onMore();
    }
  }, [more, seen, rows.length, onMore]);

  // The row to go to may not be drawn yet when it is asked for.
  useLayoutEffect(() => {
    if (wanted.current !== undefined && focusRow(body.current, wanted.current)) {
      wanted.current = undefined;
    }
  });

  useEffect(() => {
    const step = (by: number) => (): void => {
      const current = Number(document.activeElement?.closest<HTMLElement>("[data-row]")?.dataset["row"] ?? (by > 0 ? -1 : 0));
      const next = Math.min(Math.max(current + by, 0), rows.length - 1);
      if (next < 0) {
        return;
      }
      reveal(body.current, next, tall);
      if (!focusRow(body.current, next)) {
        wanted.current = next;
      }
    };
    return bind([
      { keys: "j", what: "the next row", run: step(1) },
      { keys: "k", what: "the row before", run: step(-1) },
      { keys: "Enter", what: "open the row", run: () => undefined },
    ]);
  }, [rows.length, tall]);

  const from = Math.min(seen[0], rows.length);
  const drawn = rows.slice(from, seen[1]);
  return (
    <div class={`rows ${layout}`} role="table" aria-label={label} aria-rowcount={more ? -1 : rows.length + 1}>
      <div class="rows-head" role="rowgroup">
        <div class="row" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            <div key={column.class} class={`cell ${column.class}`} role="columnheader">
              {column.head}
            </div>
          ))}
        </div>
      </div>
      <div class="rows-body" role="rowgroup" ref={body} style={{ height: `${rows.length * tall}px` }}>
        {drawn.map((row, i) => (
          <div
            key={id(row)}
            class="row"
            role="row"
            data-row={from + i}
            aria-rowindex={from + i + 2}
            style={{ transform: `translateY(${(from + i) * tall}px)`, height: `${tall}px` }}
          >
            {columns.map((column, n) => (
              <div key={column.class} class={`cell ${column.class}`} role="cell">
                {n === 0 ? (
                  <a class="row-link" href={link(row)}>
                    {column.cell(row)}
                  </a>
                ) : (
                  column.cell(row)
                )}
              </div>
            ))}
          </div>
        ))}
      </div>
      {more && (
        <p class="rows-more" aria-hidden="true">
          More is loaded as you scroll
        </p>
      )}
    </div>
  );
}

function focusRow(body: HTMLElement | null, index: number): boolean {
  const link = body?.querySelector<HTMLElement>(`[data-row="${index}"] a.row-link`);
  link?.focus({ preventScroll: true });
  return link !== null && link !== undefined;
}

// reveal scrolls so that a row is between the head that sticks and the lower edge.
function reveal(body: HTMLElement | null, index: number, tall: number): void {
  const top = (body?.getBoundingClientRect().top ?? 0) + index * tall;
  const margin = 120;
  if (top < margin) {
    window.scrollBy(0, top - margin);
  } else if (top + tall > window.innerHeight - tall) {
    window.scrollBy(0, top + 2 * tall - window.innerHeight);
  }
}
