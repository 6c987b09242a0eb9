// Something that is done to many runs at once. How many, of which recipes, is counted by the server and shown before
// the button can be pressed.

import { useState } from "preact/hooks";

import { post } from "../api/client";
import type { BulkRequest, BulkResult } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { count, plural } from "../lib/format";
import { Confirm, Dialog } from "./dialog";
import { Check, ErrorNote } from "./ui";

export type BulkVerb = "retry" | "cancel" | "move";

const words: Record<BulkVerb, { title: string; done: string; button: (n: number) => string; effect: string }> = {
  retry: {
    title: "Retry failed runs",
    done: "taken up again",
    button: (n) => `Retry ${plural(n, "run")}`,
    effect: "Each goes on from the step that failed. What was done before is not done again; calls carry the keys that they had. Live traffic goes first.",
  },
  cancel: {
    title: "Cancel runs",
    done: "canceled",
    button: (n) => `Cancel ${plural(n, "run")}`,
    effect: "Each ends as it is. A call that is under way is let finish. This can't be taken back.",
  },
  move: {
    title: "Move runs to the current program",
    done: "moved",
    button: (n) => `Move ${plural(n, "run")}`,
    effect: "Each goes on with the recipes as they are served now, instead of those it began with.",
  },
};

interface BulkProps {
  verb: BulkVerb;
  request: BulkRequest;
  about: string; // which runs, in words
  onClose: () => void;
  onDone: () => void;
}

export function Bulk({ verb, request, about, onClose, onDone }: BulkProps) {
  const [current, setCurrent] = useState(false);
  const [again, setAgain] = useState(false);
  const [result, setResult] = useState<BulkResult>();
  const { pending, error, run } = usePending();
  const text = words[verb];
  const preview = useData(`bulk ${verb} ${JSON.stringify(request)}`, (signal) =>
    post(`/api/v1/runs/${verb}`, { ...request, preview: true }, { signal }),
  );
  const matched = preview.data?.matched ?? 0;

  if (result !== undefined) {
    return (
      <Dialog title={text.title} onClose={onClose}>
        <div class="dialog-body">
          <p>
            <b class="num">{count(result.done)}</b> {text.done}
            {result.failed > 0 && (
              <>
                , <b class="num">{count(result.failed)}</b> left as they are
              </>
            )}
            .
          </p>
          {(result.refused ?? []).length > 0 && (
            <ul class="refused">
              {(result.refused ?? []).map((one) => (
                <li key={one.run}>
                  <a href={`/runs/${one.run}`}>{one.run}</a>: {one.reason}
                </li>
              ))}
            </ul>
          )}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button primary" onClick={onClose}>
            Done
          </button>
        </footer>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={text.title}
      confirm={preview.data === undefined ? "Counting…" : text.button(matched)}
      danger={verb === "cancel"}
      ready={matched > 0}
      pending={pending}
      error={error}
      onClose={onClose}
      onConfirm={() =>
        run(async () => {
          setResult(await post(`/api/v1/runs/${verb}`, { ...request, current, again }));
          onDone();
        })
      }
    >
      <ErrorNote error={preview.error} again={preview.reload} />
      {preview.data !== undefined && (
        <>
          <p class="preview-count">
            <b class="num">{count(matched)}</b> {matched === 1 ? "run" : "runs"} {about}
          </p>
          <ul class="preview-list">
            {Object.entries(preview.data.recipes).map(([recipe, n]) => (
              <li key={recipe}>
                <span>{recipe}</span> <b class="num">{count(n)}</b>
              </li>
            ))}
          </ul>
        </>
      )}
      <p>{text.effect}</p>
      {verb === "retry" && (
        <>
          <Check label="With the recipes as they are served now" hint="else with those that each run began with" checked={current} onChange={setCurrent} />
          <Check
            label="Also what may have been done already"
            hint="under new keys, so that vendors act again: a customer may get the same message twice"
            checked={again}
            onChange={setAgain}
          />
        </>
      )}
    </Confirm>
  );
}
