// JSON as a tree that can be folded, with the places that recipes read marked, and what is kept from the reader shown
// as that.

import { useState } from "preact/hooks";

import type { Json } from "../api/types.gen";

interface TreeProps {
  value: Json;
  label: string;
  marks?: Map<string, string>; // paths and who reads them
  open?: number; // how deep it is unfolded
}

const long = 200; // members of one object or list that are shown at once

/** masked is what the server puts in the place of a value that the reader may not see. */
const masked = /^\[masked(?: ([a-z ]+))?\]$/;

export function JsonTree({ value, label, marks = new Map(), open = 3 }: TreeProps) {
  return (
    <div class="json" role="group" aria-label={label} tabIndex={0}>
      <Value value={value} path="" depth={0} marks={marks} open={open} tail="" />
    </div>
  );
}

interface ValueProps {
  value: Json;
  name?: string;
  path: string;
  depth: number;
  marks: Map<string, string>;
  open: number;
  tail: string; // a comma, or nothing
}

function Value({ value, name, path, depth, marks, open, tail }: ValueProps) {
  const entries = members(value, path);
  const readBy = marks.get(path);
  const leads = entries !== undefined && path !== "" && [...marks.keys()].some((mark) => mark.startsWith(path + "."));
  const [unfolded, setUnfolded] = useState(depth < open || leads);
  const [shown, setShown] = useState(long);
  const label = name === undefined ? null : <span class="json-name">{`"${name}": `}</span>;
  const mark = readBy === undefined ? null : <span class="json-read">read by {readBy}</span>;
  if (entries === undefined || entries.length === 0) {
    return (
      <div class={readBy === undefined ? "json-line" : "json-line read"}>
        <span class="json-fold" />
        {label}
        <Scalar value={value} />
        {tail}
        {mark}
      </div>
    );
  }
  const [left, right] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return (
    <div>
      <div class={readBy === undefined ? "json-line" : "json-line read"}>
        <button
          type="button"
          class="json-fold"
          aria-expanded={unfolded}
          aria-label={`${unfolded ? "Fold" : "Unfold"} ${name ?? "the whole"}`}
          onClick={() => setUnfolded(!unfolded)}
        >
          <svg viewBox="0 0 16 16" width="10" height="10" aria-hidden="true">
            <path d={unfolded ? "M3 5.5l5 5 5-5" : "M5.5 3l5 5-5 5"} />
          </svg>
        </button>
        {label}
        {left}
        {!unfolded && <span class="json-count">{` ${entries.length} `}</span>}
        {!unfolded && right + tail}
        {mark}
      </div>
      {unfolded && (
        <div class="json-inner">
          {entries.slice(0, shown).map(([key, at, child], i) => (
            <Value
              key={at}
              value={child}
              {...(Array.isArray(value) ? {} : { name: key })}
              path={at}
              depth={depth + 1}
              marks={marks}
              open={open}
              tail={i < entries.length - 1 ? "," : ""}
            />
          ))}
          {entries.length > shown && (
            <button type="button" class="button quiet" onClick={() => setShown(shown + long * 5)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
      {unfolded && (
        <div class="json-line">
          <span class="json-fold" />
          {right + tail}
        </div>
      )}
    </div>
  );
}

/** members returns the name, path and value of each part of a list or an object; undefined for anything else. */
function members(value: Json, path: string): [string, string, Json][] | undefined {
  const below = (name: string): string => (path === "" ? name : `${path}.${name}`);
  if (Array.isArray(value)) {
    return value.map((one, i) => [String(i), below(String(i)), one]);
  }
  if (value !== null && typeof value === "object") {
    return Object.entries(value).map(([name, one]) => [name, below(name), one]);
  }
  return undefined;
}

function Scalar({ value }: { value: Json }) {
  if (Array.isArray(value)) {
    return <span>[]</span>;
  }
  if (value !== null && typeof value === "object") {
    return <span>{"{}"}</span>;
  }
  if (typeof value === "string") {
    const hidden = masked.exec(value);
    if (hidden !== null) {
      return (
        <span class="json-masked" title="Kept from view. Whoever may operate can reveal it, and that is written down.">
          {hidden[1] ?? "hidden"}
        </span>
      );
    }
    return <span class="json-string">{JSON.stringify(value)}</span>;
  }
  return <span class="json-value">{String(value)}</span>;
}
