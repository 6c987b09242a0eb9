// Two versions of a recipe, one against the other.

import { useMemo } from "preact/hooks";

import { diff } from "../lib/diff";
import { plural } from "../lib/format";

const signs = { same: " ", gone: "−", added: "+", fold: "" };
const words = { same: "", gone: "removed: ", added: "added: ", fold: "" };

export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = useMemo(() => diff(before, after), [before, after]);
  if (lines.every((line) => line.kind === "same" || line.kind === "fold")) {
    return <p class="lead">Both say the same.</p>;
  }
  return (
    <div class="diff" role="region" aria-label={label} tabIndex={0}>
      <ol>
        {lines.map((line, i) => (
          <li key={i} class={`diff-${line.kind}`}>
            {line.kind === "fold" ? (
              <span>{plural(Number(line.text), "line")} that did not change</span>
            ) : (
              <>
                <span class="diff-number" aria-hidden="true">
                  {line.before}
                </span>
                <span class="diff-number" aria-hidden="true">
                  {line.after}
                </span>
                <span class="diff-sign" aria-hidden="true">
                  {signs[line.kind]}
                </span>
                <code>
                  <span class="hidden">{words[line.kind]}</span>
                  {line.text}
                </code>
              </>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}
