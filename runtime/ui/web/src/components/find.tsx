// A field that narrows a list down while it is typed into. What is looked for is in the URL.

import { useEffect, useRef, useState } from "preact/hooks";

import { bind } from "../lib/keys";
import { change, here } from "../lib/router";

const patience = 200; // milliseconds after the last key

export function Find({ label, placeholder, name = "find" }: { label: string; placeholder: string; name?: string }) {
  const written = here.value.query.get(name) ?? "";
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
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        window.clearTimeout(timer.current);
        change({ [name]: text }, true);
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
          timer.current = window.setTimeout(() => change({ [name]: value }, true), patience);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}
