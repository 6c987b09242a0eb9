// What a stored event is good for when recipes are written: a fixture for their tests, and a trial of an edited one.

import { useEffect, useState } from "preact/hooks";

import { get, post } from "../api/client";
import type { Event, Fixture, Recipe, TryResult } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { Confirm, Dialog } from "../components/dialog";
import { JsonTree } from "../components/json";
import { Status } from "../components/status";
import { Copy, ErrorNote, Loading } from "../components/ui";
import { plural } from "../lib/format";
import { GateValues, listening } from "./event-parts";

/** MakeFixture shows the event without what tells of a person, to be saved beside the tests of a recipe. */
export function MakeFixture({ event, onClose }: { event: Event; onClose: () => void }) {
  const fixture = useData(`fixture ${event.connection} ${event.id}`, (signal) =>
    post("/api/v1/events/{id}/fixture", { connection: event.connection }, { path: { id: event.id }, signal }),
  );
  return (
    <Dialog title="A fixture of this event" onClose={onClose} wide>
      <div class="dialog-body">
        <ErrorNote error={fixture.error} again={fixture.reload} />
        {fixture.loading && <Loading what="It is made" />}
        {fixture.data !== undefined && <FixtureText fixture={fixture.data} name={fileName(event)} />}
      </div>
    </Dialog>
  );
}

function fileName(event: Event): string {
  return `${event.type.replace(/[^a-z0-9]+/gi, "-")}.json`;
}

function FixtureText({ fixture, name }: { fixture: Fixture; name: string }) {
  const text = JSON.stringify(fixture.event, undefined, 2) + "\n";
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [text]);
  return (
    <>
      <p>
        {plural(fixture.replaced.length, "value")} that may tell of a person {fixture.replaced.length === 1 ? "was" : "were"} replaced, {plural(fixture.dropped.length, "place")} dropped. Save it beside the recipe, and name
        it in a test: <code>event = file("{name}")</code>.
      </p>
      <p class="buttons">
        <a class="button primary" href={url} download={name}>
          Save as {name}
        </a>
        <Copy text={text} />
      </p>
      <JsonTree value={fixture.event} label="Fixture" open={4} />
      {fixture.replaced.length > 0 && (
        <details>
          <summary>What was replaced</summary>
          <ul class="paths">
            {fixture.replaced.map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

interface TryProps {
  event: Event;
  recipes: Recipe[];
  onClose: () => void;
}

/** TryRecipe runs the event through an edited recipe. Nothing is sent or stored. */
export function TryRecipe({ event, recipes, onClose }: TryProps) {
  const able = listening(event, recipes);
  const [name, setName] = useState(able[0]?.name ?? recipes[0]?.name ?? "");
  const served = useData(name === "" ? "" : `recipe ${name}`, (signal) => get("/api/v1/recipes/{name}", { path: { name }, signal }));
  const [edited, setEdited] = useState<string>();
  const [result, setResult] = useState<TryResult>();
  const { pending, error, run } = usePending();
  const source = edited ?? served.data?.source ?? "";
  return (
    <Confirm
      title="Try an edited recipe against this event"
      confirm="Try it"
      ready={source !== ""}
      pending={pending}
      error={error}
      wide
      onClose={onClose}
      onConfirm={() =>
        run(async () => setResult(await post("/api/v1/events/{id}/try", { connection: event.connection, recipe: name, source }, { path: { id: event.id } })))
      }
    >
      <p>Nothing is sent and nothing is stored. What look-ups answered is taken from the runs that this event had.</p>
      <label class="field">
        <span>Recipe</span>
        <select
          value={name}
          onChange={(e) => {
            setName(e.currentTarget.value);
            setEdited(undefined);
            setResult(undefined);
          }}
        >
          {recipes.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
      <ErrorNote error={served.error} />
      <label class="field">
        <span>Its text</span>
        <textarea class="editor" rows={16} spellcheck={false} value={source} onInput={(e) => setEdited(e.currentTarget.value)} />
      </label>
      {result !== undefined && <Tried result={result} />}
    </Confirm>
  );
}

const outcomes: Record<string, [string, string]> = {
  refused: ["failed", "It does not compile"],
  not_for_it: ["skipped", "It does not listen to such events"],
  held_back: ["filtered", "It would be held back"],
  undecided: ["unknown", "It can't be told"],
  would_fail: ["failed", "It would fail"],
  would_wait: ["waiting", "It would wait"],
  would_run: ["completed", "It would run"],
};

function Tried({ result }: { result: TryResult }) {
  const [status, word] = outcomes[result.outcome] ?? ["pending", result.outcome];
  return (
    <section class="tried" aria-label="Result" role="status">
      <p>
        <Status status={status} word={word} /> {result.because}
      </p>
      {result.diagnostics.map((one, i) => (
        <div key={i} class={one.severity === "error" ? "note bad" : "note wait"}>
          <p>
            <strong>
              {one.line === undefined ? "" : `Line ${one.line}: `}
              {one.summary}
            </strong>{" "}
            {one.code !== undefined && <span class="kind">{one.code}</span>}
          </p>
          <p class="message">{one.detail}</p>
        </div>
      ))}
      {result.gates.map((gate) => (
        <GateValues key={`${gate.line} ${gate.name}`} gate={gate} />
      ))}
      {result.calls.length > 0 && <h3>{plural(result.calls.length, "call")} would be sent</h3>}
      {result.calls.map((call) => (
        <div key={`${call.step} ${call.each ?? ""}`} class="tried-call">
          <p>
            <b>{call.step.replace(/^action\./, "")}</b> <code>{call.action}</code>
          </p>
          {call.input !== undefined && <JsonTree value={call.input} label={`Input of ${call.step}`} />}
        </div>
      ))}
      {(result.unknown ?? []).length > 0 && <p class="lead">Nobody knows what these would answer: {(result.unknown ?? []).join(", ")}.</p>}
    </section>
  );
}
