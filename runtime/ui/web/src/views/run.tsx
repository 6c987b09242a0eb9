// One run: the recipe's graph with how each step stands, its text beside it, where the time went, and each step with
// what it sent and what came back. What is selected is in the URL.

import { useEffect, useState } from "preact/hooks";

import { get, post } from "../api/client";
import { on } from "../api/live";
import { mayOperate } from "../api/session";
import type { RecipeDetail, Revealed, Run, Why } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { Graph } from "../components/graph";
import { type Mark, Source } from "../components/source";
import { Status } from "../components/status";
import { toast } from "../components/toast";
import { Digest, ErrorNote, Facts, Loading, Page, Section, sentence, Since, Time } from "../components/ui";
import { type Bar, Waterfall } from "../components/waterfall";
import { duration, plural } from "../lib/format";
import { bind } from "../lib/keys";
import { change, here } from "../lib/router";
import { ended, failure, kindWords, standing, stepId } from "../lib/words";
import type { ViewProps } from "../routes";
import { GateValues } from "./event-parts";
import { RunActions } from "./run-actions";
import { awaitedBy, barsOf, gatesByNode, linesOf, marksOf, nodesOf, statesOf } from "./run-shape";
import { StepPanel } from "./run-step";

export default function RunView({ params }: ViewProps) {
  const id = params[0] ?? "";
  const run = useData(`run ${id}`, (signal) => get("/api/v1/runs/{id}", { path: { id }, query: { masked: "1" }, signal }));
  const name = run.data?.recipe;
  const program = run.data?.program ?? "";
  const recipe = useData(name === undefined ? "" : `recipe ${name} ${program}`, (signal) =>
    get("/api/v1/recipes/{name}", { path: { name: name ?? "" }, query: { program }, signal }),
  );
  const why = useData(name === undefined ? "" : `why ${id} ${run.data?.status}`, (signal) => get("/api/v1/runs/{id}/why", { path: { id }, query: { masked: "1" }, signal }));

  const over = run.data === undefined || ended(run.data.status);
  const reload = run.reload;
  useEffect(() => {
    const stops = [
      on("run", (told) => {
        if (told.id === id) {
          reload();
        }
      }),
      on("resync", reload),
    ];
    // Steps of a run under way are not told of one by one.
    const timer = over ? 0 : window.setInterval(() => !document.hidden && here.value.query.get("live") !== "0" && reload(), 2000);
    return () => {
      stops.forEach((stop) => stop());
      window.clearInterval(timer);
    };
  }, [id, over, reload]);

  if (run.data === undefined) {
    return (
      <Page title={id}>
        <ErrorNote error={run.error} again={run.reload} />
        {run.loading && <Loading what="The run is looked up" />}
      </Page>
    );
  }
  return (
    <Whole
      run={run.data}
      recipe={recipe.data}
      why={why.data}
      onRun={run.set}
      onReveal={(shown) => {
        if (shown.run !== undefined) {
          run.set(shown.run);
        }
        if (shown.why !== undefined) {
          why.set(shown.why);
        }
      }}
      onHide={() => {
        run.reload();
        why.reload();
      }}
    />
  );
}

interface WholeProps {
  run: Run;
  recipe: RecipeDetail | undefined;
  why: Why | undefined;
  onRun: (run: Run) => void;
  onReveal: (shown: Revealed) => void;
  onHide: () => void;
}

function Whole({ run, recipe, why, onRun, onReveal, onHide }: WholeProps) {
  const steps = run.steps ?? [];
  const graph = recipe?.graph;
  const gates = gatesByNode(graph, why?.verdict.find((one) => one.recipe === run.recipe)?.gates ?? []);
  const states = statesOf(run, graph, gates);
  const bars = barsOf(run);
  const telling = steps.find((step) => step.status === "failed" || step.status === "unknown") ?? steps.find((step) => !["done", "skipped"].includes(step.status));
  const chosen = here.value.query.get("step") ?? (telling === undefined ? undefined : stepId(telling));
  const listed = [...gates].filter(([at]) => at !== chosen);
  const node = nodesOf(graph).find((one) => one.id === chosen?.replace(/\[.*\]$/, ""));
  const marks: Mark[] = graph === undefined ? [] : marksOf(graph, states, run);
  const select = (step: string): void => change({ step }, true);
  useStepKeys(bars, chosen, select);

  return (
    <Page
      title={`${run.recipe}: ${run.status}`}
      heading={
        <>
          <a href={`/recipes/${encodeURIComponent(run.recipe)}`}>{run.recipe}</a> <Status status={run.status} />
        </>
      }
      lead={
        <>
          for <a href={`/events/${encodeURIComponent(run.event_id)}`}>{run.event_type}</a>, started <Time at={run.started_at} />,{" "}
          {ended(run.status) ? <>took {duration(run.duration_ms)}</> : <>under way for <Since at={run.started_at} /></>}
        </>
      }
      actions={mayOperate() && <RunActions run={run} recipe={recipe} onRun={onRun} />}
    >
      <Outcome run={run} awaited={awaitedBy(run, graph)} />
      {graph !== undefined && recipe !== undefined && (
        <div class="run-top">
          <Section title="Graph">
            <Graph graph={graph} states={states} selected={node?.id ?? chosen} onSelect={select} />
          </Section>
          <Section title="Recipe" aside={<span class="file">{recipe.filename}</span>}>
            <Source
              text={recipe.source}
              label={`Text of ${recipe.name}`}
              marks={marks}
              focus={node?.range.start.line ?? marks[0]?.line}
              onLine={(line) => {
                const hit = linesOf(graph).findLast(([, from]) => from <= line);
                if (hit !== undefined) {
                  select(hit[0]);
                }
              }}
            />
          </Section>
        </div>
      )}
      <Section title="Time" aside={bars.length > 0 && plural(bars.length, "step")}>
        {bars.length === 0 ? <p class="lead">No step was begun.</p> : <Waterfall bars={bars} selected={chosen} onSelect={select} />}
      </Section>
      <StepPanel run={run} node={node} chosen={chosen} gate={chosen === undefined ? undefined : gates.get(chosen)} onSelect={select} onResolved={onRun} aside={<Reveal run={run} onReveal={onReveal} onHide={onHide} />} />
      {listed.length > 0 && (
        <Section title="Gates" aside="what each condition came to">
          {listed.map(([at, gate]) => (
            <GateValues key={`${at} ${gate.passed}`} gate={gate} />
          ))}
        </Section>
      )}
      <Section title="About this run">
        <Facts
          items={[
            ["Run", <code key="id">{run.id}</code>],
            ["Event", <a key="event" href={`/events/${encodeURIComponent(run.event_id)}`}>{run.event_id}</a>],
            ["Connection", run.connection],
            ["Program", <Digest key="program" value={run.program} />],
            ["Started", <Time key="started" at={run.started_at} as="moment" />],
            ["Ended", run.ended_at === undefined ? undefined : <Time key="ended" at={run.ended_at} as="moment" />],
            ["Retried by hand", run.retries === undefined || run.retries === 0 ? undefined : plural(run.retries, "time")],
            ["Replay of", run.replay_of === undefined ? undefined : <a key="replay" href={`/runs/${encodeURIComponent(run.replay_of)}`}>{run.replay_of}</a>],
            ["Called by", run.parent === undefined ? undefined : <a key="parent" href={`/runs/${encodeURIComponent(run.parent)}`}>{run.parent}</a>],
            ["Shadow", run.shadow === true ? "calls that change anything were recorded and not made" : undefined],
          ]}
        />
      </Section>
    </Page>
  );
}

/** useStepKeys goes from step to step. */
function useStepKeys(bars: Bar[], chosen: string | undefined, select: (id: string) => void): void {
  const ids = bars.map((bar) => bar.id);
  const key = ids.join();
  useEffect(() => {
    const go = (by: number) => (): void => {
      const id = ids[Math.min(Math.max((chosen === undefined ? -by : ids.indexOf(chosen)) + by, 0), ids.length - 1)];
      if (id !== undefined) {
        select(id);
      }
    };
    return bind([
      { keys: "j", what: "the next step", run: go(1) },
      { keys: "k", what: "the step before", run: go(-1) },
    ]);
  }, [key, chosen]);
}

/** Outcome says first what an operator came for. */
function Outcome({ run, awaited }: { run: Run; awaited: string }) {
  if (run.error !== undefined) {
    const status = run.error.status === undefined || run.error.status === 0 ? "" : `, HTTP ${run.error.status}`;
    return (
      <div class="note bad outcome">
        <p>
          <strong>{run.error.step === undefined ? "It failed" : `Failed at ${run.error.step.replace(/^action\./, "")}`}</strong>{" "}
          <span class="kind">
            {kindWords(run.error.kind)}
            {status}
          </span>
        </p>
        <p class="message">{sentence(failure({ ...run.error, step: "" }))}</p>
      </div>
    );
  }
  const text = awaited === "" ? standing(run) : `waits for ${awaited}, and ${standing(run)}${run.due_at === undefined ? "" : " at the latest"}`;
  return text === "" ? null : <p class={`note outcome ${run.status === "waiting" || run.status === "queued" ? "wait" : "plain"}`}>{sentence(text)}</p>;
}

/** Reveal shows what is kept from view, to those who may, after it is written down. */
function Reveal({ run, onReveal, onHide }: { run: Run; onReveal: (shown: Revealed) => void; onHide: () => void }) {
  const [revealed, setRevealed] = useState(false);
  const { pending, error, run: act } = usePending();
  const hidden = run.masked ?? 0;
  if (!mayOperate()) {
    return hidden > 0 && <span>Personal values are hidden. Whoever may operate can reveal them.</span>;
  }
  return (
    <>
      <ErrorNote error={error} />
      {hidden > 0 && (
        <button
          type="button"
          class="button"
          disabled={pending}
          onClick={() =>
            act(async () => {
              onReveal(await post("/api/v1/runs/{id}/reveal", {}, { path: { id: run.id } }));
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
    </>
  );
}
