// What goes on later, and what wakes it.

import { get } from "../api/client";
import type { WaitingRun, Waking } from "../api/types.gen";
import { useData } from "../api/use";
import { Filters, Select } from "../components/filters";
import { Status } from "../components/status";
import { Empty, ErrorNote, Loading, Page, Section, Time } from "../components/ui";
import { count, plural } from "../lib/format";
import { change, here, href } from "../lib/router";
import { recipePath } from "./recipes";

export default function Waiting() {
  const recipe = here.value.query.get("recipe") ?? undefined;
  const list = useData(`waiting ${recipe ?? ""}`, (signal) => get("/api/v1/waiting", { query: { recipe, limit: "200" }, signal }), ["run", "missed", "resync"], true);
  const data = list.data;
  const total = data === undefined ? 0 : data.waiting + data.queued;
  const names = new Set([...(data?.recipes ?? []).map((one) => one.recipe), ...(recipe === undefined ? [] : [recipe])]);
  return (
    <Page title="Waiting" lead={data !== undefined && total > 0 && <p>{plural(data.waiting, "run waits", "runs wait")}, {plural(data.queued, "is queued", "are queued")}. Nothing is held in memory for them: they go on after a restart as well.</p>}>
      <Filters names={["recipe"]}>
        <Select label="Recipe" name="recipe" any="Every recipe" options={[...names].map((name) => [name, name])} />
      </Filters>
      <ErrorNote error={list.error} again={list.reload} />
      {data === undefined && list.loading && <Loading what="Waiting runs are looked up" />}
      {data !== undefined && total === 0 && (
        <Empty title="Nothing waits">
          <p>A run appears here while a wait of its recipe lasts, between two attempts of a call, while flow control holds it, and while its recipe is paused.</p>
        </Empty>
      )}
      {data !== undefined && recipe === undefined && data.recipes.length > 1 && (
        <p class="chosen">
          {data.recipes.map((one) => (
            <button type="button" class="tag-button" key={one.recipe} onClick={() => change({ recipe: one.recipe })}>
              {one.recipe} <b class="num">{count(one.waiting + one.queued)}</b>
            </button>
          ))}
        </p>
      )}
      {data !== undefined && data.timed.length > 0 && (
        <Section title="At a time" aside="the next first">
          <Table runs={data.timed} timed />
        </Section>
      )}
      {data !== undefined && data.untimed.length > 0 && (
        <Section title="When something happens" aside="the newest first">
          <Table runs={data.untimed} />
        </Section>
      )}
      {data?.more === true && (
        <p>
          These are not all. <a href={href("/runs", { recipe, status: ["waiting", "queued"] })}>See every run that has not ended</a>
        </p>
      )}
    </Page>
  );
}

function Table({ runs, timed = false }: { runs: WaitingRun[]; timed?: boolean }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={timed ? "Runs that go on at a time" : "Runs that go on when something happens"}>
      <table class="table">
        <thead>
          <tr>
            {timed && <th scope="col">Goes on</th>}
            <th scope="col">Recipe</th>
            <th scope="col">What wakes it</th>
            <th scope="col">Event</th>
            <th scope="col">Began</th>
          </tr>
        </thead>
        <tbody>
          {runs.map(({ run, for: wakings }) => (
            <tr key={run.id}>
              {timed && (
                <td class="num nowrap">
                  <a href={`/runs/${encodeURIComponent(run.id)}`}>
                    <Time at={run.due_at} />
                  </a>
                </td>
              )}
              <td>
                {timed ? <a href={recipePath(run.recipe)}>{run.recipe}</a> : <a href={`/runs/${encodeURIComponent(run.id)}`}>{run.recipe}</a>}
                {run.status === "queued" && (
                  <>
                    {" "}
                    <Status status="queued" />
                  </>
                )}
              </td>
              <td>
                {wakings.map((one, i) => (
                  <p key={i} class="waking">
                    <WakingWords waking={one} />
                  </p>
                ))}
              </td>
              <td>
                <a href={href(`/events/${encodeURIComponent(run.event_id)}`, { connection: run.connection })}>{run.event_type}</a>
              </td>
              <td class="num nowrap">
                <Time at={run.started_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WakingWords({ waking }: { waking: Waking }) {
  const step = waking.step?.replace(/^(on_error\.)?(action|wait)\./, "$1");
  const at = step === undefined ? null : <code>{waking.each === undefined ? step : `${step}[${waking.each}]`}</code>;
  switch (waking.kind) {
    case "time":
      return <>{at} is over <Time at={waking.due_at} /></>;
    case "event":
      return (
        <>
          {at} looks for{" "}
          {(waking.events ?? []).map((one, i) => (
            <span key={`${one.connection} ${one.type}`}>
              {i > 0 && " or "}
              <b>{one.type}</b> on {one.connection}
              {one.path !== undefined && (
                <>
                  {" "}
                  by <code>{one.path}</code>
                </>
              )}
            </span>
          ))}
          {waking.due_at !== undefined && (
            <>
              ; it is given up <Time at={waking.due_at} />
            </>
          )}
        </>
      );
    case "retry":
      return (
        <>
          {at} is tried again after {plural(waking.attempts ?? 0, "attempt")}
          {waking.error !== undefined && <span class="quiet">: {waking.error.message}</span>}
        </>
      );
    case "run":
      return (
        <>
          {at} called another run, <a href={`/runs/${encodeURIComponent(waking.run ?? "")}`}>which has not ended</a>
        </>
      );
    case "turn":
      return <>a place among the calls of its connection: a limit, or a vendor that is down</>;
    case "concurrency":
      return <>a place in its lane: another run of the same key goes first</>;
    case "throttle":
      return <>its turn: the recipe is throttled</>;
    case "debounce":
      return <>no newer event of the same key coming</>;
    case "paused":
      return <>its recipe being resumed</>;
    default:
      return <>{waking.kind}</>;
  }
}
