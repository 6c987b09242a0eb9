// An empty server: three steps from nothing to the first run, each with how it stands.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { get, post } from "../api/client";
import { mayOperate } from "../api/session";
import type { Recipe, Status as ServerStatus } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { Glyph } from "../components/status";
import { toast } from "../components/toast";
import { Copy, ErrorNote, Page } from "../components/ui";
import { plural } from "../lib/format";

export function FirstVisit({ server }: { server: ServerStatus }) {
  const recipes = useData("recipes", () => get("/api/v1/recipes"), ["reload", "resync"]);
  const list = recipes.data?.recipes ?? [];
  const doors = server.connections.filter((one) => one.door !== undefined && one.door !== "");
  const refused = server.last_reload !== undefined && !server.last_reload.ok;
  return (
    <Page title="No event has come yet" lead="Three steps, and each one is shown here as it is done.">
      <ErrorNote error={recipes.error} again={recipes.reload} />
      <ol class="first-steps">
        <StepItem done={list.length > 0 && !refused} title="Recipes say what follows an event">
          {list.length > 0 ? (
            <>
              <p>
                {plural(list.length, "recipe")} {list.length === 1 ? "is" : "are"} served from <code>{server.dir}</code>. A change of a file is live as soon as it is saved.
              </p>
              <ul class="first-recipes">
                {list.slice(0, 4).map((recipe) => (
                  <li key={recipe.name}>
                    <b>{recipe.name}</b> {recipe.description}
                  </li>
                ))}
                {list.length > 4 && <li>and {list.length - 4} more</li>}
              </ul>
            </>
          ) : (
            <p>
              There is none in <code>{server.dir}</code>. Write a file that ends in <code>.hcl</code> there, or have one made: <code>flowrun new</code> lists what there is.
            </p>
          )}
        </StepItem>
        <StepItem done={false} title="Services send their events here">
          {doors.length > 0 ? (
            <>
              <p>
                Webhooks are taken at <code>{server.listen}</code>. Give each service its address; <code>flowrun webhooks apply</code> does it for those that can be told.
              </p>
              <dl class="doors">
                {doors.map((one) => (
                  <div key={one.name}>
                    <dt>{one.name}</dt>
                    <dd>
                      <code>{one.door}</code> <Copy text={one.door ?? ""} label="Copy the path" />
                    </dd>
                  </div>
                ))}
              </dl>
            </>
          ) : (
            <p>No recipe listens to a service yet.</p>
          )}
        </StepItem>
        <StepItem done={false} title="An event arrives">
          {server.mode === "dev" ? <Samples recipes={list} /> : <p>This page changes by itself when the first one is here. Nothing needs to be reloaded.</p>}
        </StepItem>
      </ol>
    </Page>
  );
}

function StepItem({ done, title, children }: { done: boolean; title: string; children: ComponentChildren }) {
  return (
    <li>
      <Glyph status={done ? "completed" : "pending"} />
      <div>
        <h2>
          {title}
          <span class="hidden">{done ? ", done" : ", not yet"}</span>
        </h2>
        {children}
      </div>
    </li>
  );
}

interface Sample {
  type: string;
  connection: string;
}

/** samples are the events that the recipes listen to, those that most of them do first. */
function samples(recipes: Recipe[]): Sample[] {
  const found = new Map<string, Sample & { listeners: number }>();
  for (const trigger of recipes.flatMap((recipe) => recipe.triggers)) {
    for (const type of trigger.events.filter((one) => one !== "*")) {
      const key = `${trigger.connection} ${type}`;
      found.set(key, { type, connection: trigger.connection, listeners: (found.get(key)?.listeners ?? 0) + 1 });
    }
  }
  return [...found.values()]
    .sort((a, b) => b.listeners - a.listeners || a.type.localeCompare(b.type))
    .map(({ type, connection }) => ({ type, connection }));
}

/** Samples sends a sample event, in the sandbox. */
export function Samples({ recipes }: { recipes: Recipe[] }) {
  const all = samples(recipes);
  const [chosen, setChosen] = useState("");
  const { pending, error, run } = usePending();
  const sample = all.find((one) => `${one.connection} ${one.type}` === chosen) ?? all[0];
  if (sample === undefined) {
    return <p>Once a recipe listens to an event, a sample of it can be sent from here.</p>;
  }
  if (!mayOperate()) {
    return <p>Whoever may operate this server can send a sample from here.</p>;
  }
  return (
    <>
      <p>This is a sandbox: services are stand-ins, and nothing leaves this machine. Send a sample, signed as the service would sign it.</p>
      <form
        class="samples"
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => {
            const sent = await post("/api/v1/trigger", sample);
            toast(`Sent ${sent.type} as ${sent.event_id}.`);
          });
        }}
      >
        <label class="select">
          <span class="hidden">Sample event</span>
          <select value={`${sample.connection} ${sample.type}`} onChange={(event) => setChosen(event.currentTarget.value)}>
            {all.map((one) => (
              <option key={`${one.connection} ${one.type}`} value={`${one.connection} ${one.type}`}>
                {one.type} on {one.connection}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button primary" disabled={pending}>
          {pending ? "Sending…" : "Send this event"}
        </button>
      </form>
      <ErrorNote error={error} />
    </>
  );
}
