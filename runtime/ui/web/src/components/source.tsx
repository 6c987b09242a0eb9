// A recipe's text with its lines numbered, what each word is, and marks: which line is running, which one failed, what
// the checker says of it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Tone } from "./status";

export interface Mark {
  line: number; // from 1
  tone: Tone;
  note?: string; // beneath the line
  word?: string; // at its end
}

interface SourceProps {
  text: string;
  label: string;
  marks?: Mark[];
  focus?: number | undefined; // the line that is brought into view
  onLine?: (line: number) => void;
}

const token = /(#.*|\/\/.*)|("(?:[^"\\]|\\.)*")|\b(\d+(?:\.\d+)?)\b|\b(true|false|null)\b|^(\s*)([a-z_]+)(?=[^=]*\{)|\b([a-z_]+)(?=\s*=[^=])/g;

/** paint returns the parts of a line, each by what it is. */
function paint(line: string): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let from = 0;
  for (const match of line.matchAll(token)) {
    const [whole, comment, text, number, literal, indent, block, name] = match;
    const kind = comment ? "comment" : text ? "string" : number || literal ? "value" : block ? "block" : name ? "name" : "";
    const lead = indent ?? "";
    out.push(line.slice(from, match.index), lead);
    out.push(
      <span key={match.index} class={`src-${kind}`}>
        {whole.slice(lead.length)}
      </span>,
    );
    from = match.index + whole.length;
  }
  out.push(line.slice(from));
  return out;
}

export function Source({ text, label, marks = [], focus, onLine }: SourceProps) {
  const box = useRef<HTMLDivElement>(null);
  const lines = text.replace(/\n$/, "").split("\n");
  useEffect(() => {
    const line = box.current?.querySelector<HTMLElement>(`[data-line="${focus}"]`);
    if (box.current !== null && line !== null && line !== undefined) {
      box.current.scrollTop = line.offsetTop - box.current.clientHeight / 3;
    }
  }, [focus, text]);
  return (
    <div class="source" ref={box} tabIndex={0} role="region" aria-label={label}>
      <ol>
        {lines.map((line, i) => {
          const here = marks.filter((mark) => mark.line === i + 1);
          const first = here[0];
          return (
            <li
              key={i}
              data-line={i + 1}
              class={`${first === undefined ? "" : `marked tone-${first.tone}`}${focus === i + 1 ? " focus" : ""}${onLine === undefined ? "" : " can"}`}
              onClick={onLine === undefined ? undefined : () => onLine(i + 1)}
            >
              <span class="src-number" aria-hidden="true">
                {i + 1}
              </span>
              <code>{paint(line)}</code>
              {here.map((mark) => mark.word !== undefined && <span class="src-word" key={mark.word}>{mark.word}</span>)}
              {here.map((mark) => mark.note !== undefined && <p class="src-note" key={mark.note}>{mark.note}</p>)}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
