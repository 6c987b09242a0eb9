// What recipes made of an event, and what can be done with it.

import { useState } from "preact/hooks";

import { post } from "../api/client";
import type { Event, Gate, Recipe, Verdict, Why } from "../api/types.gen";
import { usePending } from "../api/use";
import { Confirm } from "../components/dialog";
import { Status } from "../components/status";
import { toast } from "../components/toast";
import { Check, Digest } from "../components/ui";
import { plural } from "../lib/format";
import { go, href } from "../lib/router";

/** Verdicts say for each recipe why it ran, or why not. */
export function Verdicts({ why }: { why: Why }) {
  return (
    <div class="verdicts">
      {why.note !== undefined && <p class="lead">{why.note}</p>}
      {why.served !== undefined && (
        <p class="lead">
          Decided by program <Digest value={why.program} />; <Digest value={why.served} /> is served now.
        </p>
      )}
      {why.verdict.map((one) => (
        <OneVerdict key={one.recipe} verdict={one} />
      ))}
      {why.others > 0 && <p class="lead">{plural(why.others, "recipe listens", "recipes listen")} to other events.</p>}
    </div>
  );
}

const outcomes: Record<string, string> = { ran: "completed", "held back": "filtered", "not started": "skipped", failed: "failed", disabled: "canceled" };

function OneVerdict({ verdict }: { verdict: Verdict }) {
  const gates = verdict.gates ?? [];
  return (
    <article class="verdict" aria-label={verdict.recipe}>
      <header>
        <h3>
          <a href={`/recipes/${encodeURIComponent(verdict.recipe)}`}>{verdict.recipe}</a>
        </h3>
        <Status status={outcomes[verdict.outcome] ?? "pending"} word={verdict.outcome} />
        {verdict.run !== undefined && (
          <a class="verdict-run" href={`/runs/${encodeURIComponent(verdict.run)}`}>
            {verdict.run}
          </a>
        )}
      </header>
      <p>{verdict.because}</p>
      {gates.map((gate) => (
        <GateValues key={`${gate.filename}:${gate.line} ${gate.name}`} gate={gate} />
      ))}
    </article>
  );
}

/** GateValues shows a condition with what each of its parts came to. One that held back is open. */
export function GateValues({ gate, open = !gate.passed }: { gate: Gate; open?: boolean }) {
  const parts = gate.parts ?? [];
  return (
    <details class={gate.passed ? "gate passed" : "gate stopped"} open={open}>
      <summary>
        <Status status={gate.passed ? "passed" : "stopped"} word={gate.passed ? "passed" : "held back"} />
        <span class="gate-name">{gate.name}</span>
        <span class="gate-place">
          {gate.filename}:{gate.line}
        </span>
      </summary>
      <table class="parts">
        <thead class="hidden">
          <tr>
            <th scope="col">Expression</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>
              <code>{gate.source}</code>
            </td>
            <td>
              <code>{gate.value}</code>
            </td>
          </tr>
          {parts.map((part, i) => (
            <tr key={i}>
              <td style={{ paddingLeft: `${part.depth * 1.1}rem` }}>
                <code>{part.source}</code>
              </td>
              <td>
                <code class={part.value === "false" || part.value === "null" ? "no" : ""}>{part.value}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

interface ReplayProps {
  event: Event;
  recipes: Recipe[];
  only?: string; // the recipe that is chosen at first
  onClose: () => void;
}

/** listening are the recipes that take events of this type. */
export function listening(event: Event, recipes: Recipe[]): Recipe[] {
  return recipes.filter((recipe) => recipe.triggers.some((t) => t.connection === event.connection && (t.events.includes(event.type) || t.events.includes("*"))));
}

/** Replay runs an event again, after saying with which recipes and to what effect. */
export function Replay({ event, recipes, only = "", onClose }: ReplayProps) {
  const [recipe, setRecipe] = useState(only);
  const [dry, setDry] = useState(false);
  const [again, setAgain] = useState(false);
  const { pending, error, run } = usePending();
  const able = listening(event, recipes);
  const chosen = recipe === "" ? able : able.filter((one) => one.name === recipe);
  const calls = chosen.flatMap((one) => one.actions.map((action) => `${one.name}: ${action}`));
  return (
    <Confirm
      title="Replay this event"
      confirm={dry ? "Replay without calls" : `Replay with ${plural(chosen.length, "recipe")}`}
      ready={chosen.length > 0}
      pending={pending}
      error={error}
      onClose={onClose}
      onConfirm={() =>
        run(async () => {
          const { runs } = await post("/api/v1/events/{id}/replay", { connection: event.connection, recipe, dry, again }, { path: { id: event.id } });
          onClose();
          const first = runs[0];
          if (runs.length === 1 && first !== undefined) {
            go(`/runs/${encodeURIComponent(first.id)}`);
          } else {
            go(href("/runs", { event: event.id }));
          }
          toast(runs.length === 0 ? "No recipe took the event." : `${plural(runs.length, "run")} began.`);
        })
      }
    >
      <label class="field">
        <span>Recipe</span>
        <select value={recipe} onChange={(e) => setRecipe(e.currentTarget.value)}>
          <option value="">All that take it</option>
          {able.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
      {able.length === 0 && <p>No recipe that is served listens to {event.type} on {event.connection}.</p>}
      {chosen.length > 0 && (
        <>
          <p>
            {plural(chosen.length, "new run")} at the most, with the recipes as they are served now. {dry ? "Calls that change anything are recorded and not made:" : "These calls may be made:"}
          </p>
          <ul class="preview-list">
            {calls.map((call, i) => (
              <li key={`${i} ${call}`}>
                <code>{call}</code>
              </li>
            ))}
            {calls.length === 0 && <li>none</li>}
          </ul>
        </>
      )}
      <Check label="Only record the calls that change anything" checked={dry} onChange={setDry} />
      <Check
        label="Under new keys"
        hint="so that vendors act again; else what was done for this event already is not done twice where the vendor can tell"
        checked={again}
        onChange={setAgain}
      />
    </Confirm>
  );
}
