// The small parts that every view is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import { now } from "../lib/clock";
import { duration, moment, relative, short, whole } from "../lib/format";
import { arrival } from "../lib/router";

interface PageProps {
  title: string;
  heading?: ComponentChildren; // where it is more than the title
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  children?: ComponentChildren;
}

/** Page is a view with its heading. Whoever came here by a link begins at the heading, which a screen reader tells. */
export function Page({ title, heading, lead, actions, children }: PageProps) {
  const head = useRef<HTMLHeadingElement>(null);
  const count = arrival.value.count;
  useEffect(() => {
    document.title = `${title} · flowrun`;
  }, [title]);
  useEffect(() => {
    if (count > 0) {
      head.current?.focus({ preventScroll: true });
    }
  }, [count]);
  return (
    <>
      <header class="page-head">
        <div>
          <h1 ref={head} tabIndex={-1}>
            {heading ?? title}
          </h1>
          {lead !== undefined && <div class="lead">{lead}</div>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** Section is a part of a view under a heading of its own. */
export function Section({ title, aside, children, id }: { title: string; aside?: ComponentChildren; children: ComponentChildren; id?: string }) {
  return (
    <section class="section" id={id} aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </div>
      {children}
    </section>
  );
}

/** Time shows a moment: how long ago, or the time of day. The whole of it is in the title. */
export function Time({ at, as = "relative" }: { at: string | undefined; as?: "relative" | "moment" }) {
  if (at === undefined) {
    return null;
  }
  const date = new Date(at);
  const current = now.value;
  const old = current - date.getTime() > 86_400_000 * 2;
  return (
    <time dateTime={at} title={whole(date)}>
      {as === "moment" || old ? moment(date, new Date(current)) : relative(date.getTime(), current)}
    </time>
  );
}

/** Since shows how long something has been going on. */
export function Since({ at }: { at: string }) {
  return <span class="num">{duration(Math.max(0, now.value - Date.parse(at)))}</span>;
}

/** Digest is a program's digest, cut to the part that people compare. */
export function Digest({ value }: { value: string }) {
  return (
    <code title={value} class="digest">
      {short(value)}
    </code>
  );
}

/** Copy is a button that puts text on the clipboard. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) {
      return undefined;
    }
    const timer = window.setTimeout(() => setDone(false), 1500);
    return () => window.clearTimeout(timer);
  }, [done]);
  return (
    <button type="button" class="button quiet" onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}>
      {done ? "Copied" : label}
    </button>
  );
}

/** Loading says that something is on its way; it says nothing for the first moment, so that quick answers don't flicker. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      {what}…
    </p>
  );
}

/** ErrorNote says why something was refused or can't be had. */
export function ErrorNote({ error, again }: { error: ApiError | undefined; again?: () => void }) {
  if (error === undefined) {
    return null;
  }
  return (
    <div class="note bad" role="alert">
      <p>{sentence(error.message)}</p>
      {again !== undefined && (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** sentence writes a message of the server, which begins in lower case, as a sentence of its own. */
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : first + ".";
}

/** Empty says that there is nothing, and what that means. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Facts is a list of names and values. */
export function Facts({ items }: { items: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {items
        .filter(([, value]) => value !== undefined && value !== null && value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Check is a box to tick, with what it does. */
export function Check({ label, hint, checked, onChange }: { label: string; hint?: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>
        {label}
        {hint !== undefined && <span class="hint">{hint}</span>}
      </span>
    </label>
  );
}
