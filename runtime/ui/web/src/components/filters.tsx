// The bar above a list. Every filter is a parameter of the URL.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { bind } from "../lib/keys";
import { change, here } from "../lib/router";

/** Search finds by ids and by fields of events: what has an = in it is a field, the rest the beginning of an id. */
export function Search({ label, placeholder }: { label: string; placeholder: string }) {
  const query = here.value.query;
  const written = [...query.getAll("where"), query.get("q") ?? ""].filter((part) => part !== "").join(" ");
  const [text, setText] = useState(written);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef(0);

  useEffect(() => {
    if (document.activeElement !== field.current) {
      setText(written);
    }
  }, [written]);
  useEffect(() => bind([{ keys: "/", what: "search", run: () => field.current?.focus() }]), []);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const apply = (value: string): void => {
    window.clearTimeout(timer.current);
    change(parseSearch(value), true);
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        apply(text);
      }}
    >
      <input
        ref={field}
        type="search"
        value={text}
        aria-label={label}
        placeholder={placeholder}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => {
          const value = event.currentTarget.value;
          setText(value);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => apply(value), 350);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

/** parseSearch reads what was typed. A field's value ends at a space unless it is in quotes. */
export function parseSearch(text: string): { q: string | undefined; where: string[] } {
  const where: string[] = [];
  let q: string | undefined;
  for (const [part, name, quoted] of text.matchAll(/([^\s="]+)="([^"]*)"?|\S+/g)) {
    if (name !== undefined) {
      where.push(`${name}=${quoted ?? ""}`);
    } else if (/^[^=]+=./.test(part)) {
      where.push(part);
    } else if (!part.includes("=")) {
      q = part;
    }
  }
  return { q, where };
}

interface SelectProps {
  label: string;
  name: string; // of the parameter
  any: string; // what is shown where nothing is chosen
  options: [string, string][]; // value and text
}

/** Select is a filter of which one value is chosen. */
export function Select({ label, name, any, options }: SelectProps) {
  const value = here.value.query.get(name) ?? "";
  const known = value === "" || options.some(([one]) => one === value);
  return (
    <label class="select">
      <span class="hidden">{label}</span>
      <select class={value === "" ? "" : "set"} value={value} onChange={(event) => change({ [name]: event.currentTarget.value })}>
        <option value="">{any}</option>
        {!known && <option value={value}>{value}</option>}
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export const spans: [string, string][] = [
  ["15m", "Last 15 minutes"],
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
];

/** Filters is the bar, with a way to take all filters off where there are any. */
export function Filters({ names, children }: { names: string[]; children: ComponentChildren }) {
  const query = here.value.query;
  const some = names.some((name) => query.has(name));
  return (
    <div class="filters">
      {children}
      {some && (
        <button type="button" class="button quiet" onClick={() => change(Object.fromEntries(names.map((name) => [name, undefined])))}>
          Clear filters
        </button>
      )}
    </div>
  );
}
