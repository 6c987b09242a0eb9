// One event: what came, which of it recipes read, and what each recipe made of it.

import { useEffect, useState } from "preact/hooks";

import { get, post } from "../api/client";
import { on } from "../api/live";
import { mayOperate } from "../api/session";
import type { Event, Revealed } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { JsonTree } from "../components/json";
import { RunRows } from "../components/run-rows";
import { toast } from "../components/toast";
import { Copy, ErrorNote, Facts, Loading, Page, Section, Time } from "../components/ui";
import { bytes, plural } from "../lib/format";
import { here, href } from "../lib/router";
import type { ViewProps } from "../routes";
import { Replay, Verdicts } from "./event-parts";
import { MakeFixture, TryRecipe } from "./event-tools";
import { DecisionWords } from "./events";

type Tool = "replay" | "fixture" | "try";

export default function EventView({ params }: ViewProps) {
  const id = params[0] ?? "";
  const connection = here.value.query.get("connection") ?? undefined;
  const event = useData(`event ${connection} ${id}`, (signal) =>
    get("/api/v1/events/{id}", { path: { id }, query: { connection, masked: "1" }, signal }),
  );
  const decided = event.data?.decision?.at;
  const why = useData(event.data === undefined ? "" : `why ${id} ${decided}`, (signal) =>
    get("/api/v1/events/{id}/why", { path: { id }, query: { connection, masked: "1" }, signal }),
  );
  const recipes = useData("recipes", () => get("/api/v1/recipes"), ["reload"]);
  const [tool, setTool] = useState<Tool>();
  const reload = event.reload;
  useEffect(() => {
    const about = (told: string): void => {
      if (told === id) {
        reload();
      }
    };
    const stops = [on("run", (run) => about(run.event_id)), on("event", (told) => about(told.id)), on("resync", reload)];
    return () => stops.forEach((stop) => stop());
  }, [id, reload]);

  if (event.data === undefined) {
    return (
      <Page title={id}>
        <ErrorNote error={event.error} again={event.reload} />
        {event.loading && <Loading what="The event is looked up" />}
      </Page>
    );
  }
  const shown = event.data;
  const runs = shown.runs ?? [];
  const list = recipes.data?.recipes ?? [];
  const close = (): void => setTool(undefined);
  return (
    <Page
      title={shown.type}
      lead={
        <>
          through {shown.connection}, received <Time at={shown.received_at} />: <DecisionWords event={shown} />
        </>
      }
      actions={
        mayOperate() && (
          <>
            <button type="button" class="button" onClick={() => setTool("try")} disabled={shown.payload === undefined}>
              Try an edited recipe…
            </button>
            <button type="button" class="button" onClick={() => setTool("fixture")} disabled={shown.payload === undefined}>
              Make a fixture…
            </button>
            <button type="button" class="button primary" onClick={() => setTool("replay")} disabled={shown.payload === undefined}>
              Replay…
            </button>
          </>
        )
      }
    >
      <div class="event-top">
        <Section title="Payload" aside={
            <PayloadTools
              event={shown}
              onReveal={(whole) => {
                if (whole.event !== undefined) {
                  event.set({ ...shown, ...whole.event, masked: 0 });
                }
                if (whole.why !== undefined) {
                  why.set(whole.why);
                }
              }}
              onHide={() => {
                event.reload();
                why.reload();
              }}
            />
          }>
          <PayloadView event={shown} />
        </Section>
        <Section title="Why, and why not">
          <ErrorNote error={why.error} again={why.reload} />
          {why.loading && <Loading what="Recipes are asked" />}
          {why.data !== undefined && <Verdicts why={why.data} />}
        </Section>
      </div>
      <Section title="Runs" aside={runs.length > 0 && <a href={href("/runs", { event: shown.id })}>in the list of runs</a>}>
        {runs.length === 0 ? <p class="lead">None.</p> : <RunRows label="Runs of this event" runs={runs} />}
      </Section>
      <Section title="About this event">
        <Facts
          items={[
            ["Event", <code key="id">{shown.id}</code>],
            ["Service", shown.service],
            ["Account", shown.account],
            ["Mode", shown.livemode ? "live" : "test"],
            ["API version", shown.api_version],
            ["Happened", <Time key="time" at={shown.time} as="moment" />],
            ["Received", <Time key="received" at={shown.received_at} as="moment" />],
            ["Decided", decided === undefined ? undefined : <Time key="decided" at={decided} as="moment" />],
          ]}
        />
      </Section>
      {tool === "replay" && <Replay event={shown} recipes={list} onClose={close} />}
      {tool === "fixture" && <MakeFixture event={shown} onClose={close} />}
      {tool === "try" && <TryRecipe event={shown} recipes={list} onClose={close} />}
    </Page>
  );
}

function PayloadView({ event }: { event: Event }) {
  if (event.payload === undefined) {
    return <p class="lead">The payload is not kept any more: it is older than the retention that this server was given.</p>;
  }
  const marks = new Map((event.reads ?? []).map((read) => [read.path, read.recipes.join(", ")]));
  return (
    <>
      {marks.size > 0 && (
        <p class="lead">
          <span class="json-read">Marked</span> is what recipes read of it.
        </p>
      )}
      <JsonTree value={event.payload} label="Payload" marks={marks} />
    </>
  );
}

interface PayloadToolsProps {
  event: Event;
  onReveal: (shown: Revealed) => void;
  onHide: () => void;
}

function PayloadTools({ event, onReveal, onHide }: PayloadToolsProps) {
  const [revealed, setRevealed] = useState(false);
  const { pending, error, run } = usePending();
  if (event.payload === undefined) {
    return null;
  }
  const text = JSON.stringify(event.payload, undefined, 2);
  const hidden = event.masked ?? 0;
  return (
    <>
      <span class="num">{bytes(text.length)}</span>
      <ErrorNote error={error} />
      {hidden > 0 && !mayOperate() && <span>{plural(hidden, "personal value")} hidden</span>}
      {hidden > 0 && mayOperate() && (
        <button
          type="button"
          class="button"
          disabled={pending}
          onClick={() =>
            run(async () => {
              onReveal(await post("/api/v1/events/{id}/reveal", { connection: event.connection }, { path: { id: event.id } }));
              setRevealed(true);
              toast("Revealed. It is written down that you looked.");
            })
          }
        >
          Reveal {plural(hidden, "hidden value")}
        </button>
      )}
      {hidden === 0 && revealed && (
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            setRevealed(false);
            onHide();
          }}
        >
          Hide personal values
        </button>
      )}
      <Copy text={text} />
    </>
  );
}
