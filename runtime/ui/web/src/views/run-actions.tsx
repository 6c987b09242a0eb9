// What can be done to a run. Each says first which calls it makes, and what they would do a second time.

import { useState } from "preact/hooks";

import { get, post } from "../api/client";
import { status } from "../api/session";
import type { RecipeDetail, RecipeEffect, Run } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { Confirm } from "../components/dialog";
import { toast } from "../components/toast";
import { Check, Digest } from "../components/ui";
import { plural } from "../lib/format";
import { effectWords, ended } from "../lib/words";
import { Replay } from "./event-parts";

interface RunActionsProps {
  run: Run;
  recipe: RecipeDetail | undefined;
  onRun: (run: Run) => void;
}

type Verb = "retry" | "cancel" | "replay" | "move";

export function RunActions({ run, recipe, onRun }: RunActionsProps) {
  const [verb, setVerb] = useState<Verb>();
  const close = (): void => setVerb(undefined);
  const over = ended(run.status);
  const older = !over && status.value?.engine !== undefined && status.value.engine.program !== run.program;
  const done = (changed: Run, text: string): void => {
    close();
    onRun(changed);
    toast(text);
  };
  return (
    <>
      {run.status === "failed" && (
        <button type="button" class="button primary" onClick={() => setVerb("retry")}>
          Retry…
        </button>
      )}
      {older && (
        <button type="button" class="button" onClick={() => setVerb("move")}>
          Move to the current program…
        </button>
      )}
      {!over && (
        <button type="button" class="button" onClick={() => setVerb("cancel")}>
          Cancel…
        </button>
      )}
      <button type="button" class="button" onClick={() => setVerb("replay")}>
        Replay…
      </button>
      {verb === "retry" && <Retry run={run} recipe={recipe} onClose={close} onDone={done} />}
      {verb === "cancel" && <Cancel run={run} onClose={close} onDone={done} />}
      {verb === "move" && <Move run={run} onClose={close} onDone={done} />}
      {verb === "replay" && <ReplayRun run={run} onClose={close} />}
    </>
  );
}

interface VerbProps {
  run: Run;
  onClose: () => void;
  onDone: (run: Run, text: string) => void;
}

function Retry({ run, recipe, onClose, onDone }: VerbProps & { recipe: RecipeDetail | undefined }) {
  const [fromStart, setFromStart] = useState(false);
  const [current, setCurrent] = useState(false);
  const [again, setAgain] = useState(false);
  const { pending, error, run: act } = usePending();
  const calls = callsOf(run, recipe?.effects ?? [], fromStart);
  const changing = calls.filter((call) => call.effect !== "read");
  return (
    <Confirm
      title="Retry this run"
      confirm="Retry the run"
      danger={again}
      pending={pending}
      error={error}
      onClose={onClose}
      onConfirm={() =>
        act(async () => {
          const changed = await post("/api/v1/runs/{id}/retry", { from_start: fromStart, current, again }, { path: { id: run.id } });
          onDone(changed, "Taken up again.");
        })
      }
    >
      <p>
        {fromStart ? "The run begins anew." : `The run goes on from ${run.error?.step ?? "where it failed"}; what was done before is not done again.`}{" "}
        {recipe !== undefined && (
          <>
            {plural(calls.length, "step")} at the most {calls.length === 1 ? "is" : "are"} done, <b>{plural(changing.length, "call")}</b> of them {changing.length === 1 ? "changes" : "change"} something:
          </>
        )}
      </p>
      <Calls calls={calls} again={again} />
      <Check label="From its start" checked={fromStart} onChange={setFromStart} />
      <Check label="With the recipe as it is served now" hint="else with the one that the run began with" checked={current} onChange={setCurrent} />
      <Check
        label="Also what may have been done already"
        hint="under new keys, so that vendors act again: a customer may get the same message twice"
        checked={again}
        onChange={setAgain}
      />
    </Confirm>
  );
}

/** callsOf are the calls that a retry may make. */
function callsOf(run: Run, effects: RecipeEffect[], fromStart: boolean): RecipeEffect[] {
  const settled = new Set((run.steps ?? []).filter((step) => step.status === "done" || step.status === "skipped").map((step) => step.address));
  const open = new Set((run.steps ?? []).filter((step) => step.status !== "done" && step.status !== "skipped").map((step) => step.address));
  return effects.filter((one) => !one.step.startsWith("on_error.") && (fromStart || !settled.has(one.step) || open.has(one.step)));
}

function Calls({ calls, again }: { calls: RecipeEffect[]; again: boolean }) {
  if (calls.length === 0) {
    return null;
  }
  return (
    <ul class="preview-list">
      {calls.map((call) => (
        <li key={call.step}>
          <span>
            <b>{call.step.replace(/^action\./, "")}</b> <code>{call.action}</code>
          </span>
          <span class={call.effect === "at_most_once" || (again && call.effect === "keyed") ? "effect bad" : "effect"}>
            {again && call.effect === "keyed" ? "carries a new key, so the vendor acts again" : effectWords(call.effect)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Cancel({ run, onClose, onDone }: VerbProps) {
  const { pending, error, run: act } = usePending();
  return (
    <Confirm
      title="Cancel this run"
      confirm="Cancel the run"
      danger
      pending={pending}
      error={error}
      onClose={onClose}
      onConfirm={() => act(async () => onDone(await post("/api/v1/runs/{id}/cancel", {}, { path: { id: run.id } }), "Canceled."))}
    >
      <p>One run of {run.recipe} ends as it is. A call that is under way is let finish; no other is made. A canceled run can't go on, but its event can be replayed.</p>
    </Confirm>
  );
}

function Move({ run, onClose, onDone }: VerbProps) {
  const { pending, error, run: act } = usePending();
  return (
    <Confirm
      title="Move this run"
      confirm="Move the run"
      pending={pending}
      error={error}
      onClose={onClose}
      onConfirm={() => act(async () => onDone(await post("/api/v1/runs/{id}/move", {}, { path: { id: run.id } }), "Moved to the current program."))}
    >
      <p>
        One run of {run.recipe} goes on with the recipes as they are served now (<Digest value={status.value?.engine?.program ?? ""} />) instead of those it began with (
        <Digest value={run.program} />
        ). No call is made by that alone.
      </p>
    </Confirm>
  );
}

function ReplayRun({ run, onClose }: { run: Run; onClose: () => void }) {
  const recipes = useData("recipes", () => get("/api/v1/recipes"));
  const event = useData(`event ${run.connection} ${run.event_id}`, (signal) =>
    get("/api/v1/events/{id}", { path: { id: run.event_id }, query: { connection: run.connection, masked: "1" }, signal }),
  );
  if (event.data === undefined || recipes.data === undefined) {
    return null;
  }
  return <Replay event={event.data} recipes={recipes.data.recipes} only={run.recipe} onClose={onClose} />;
}
