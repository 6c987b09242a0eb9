// All runs, the newest first: what happened, filtered by the URL, over a chart of how they ended.

import { useState } from "preact/hooks";

import { get } from "../api/client";
import { on } from "../api/live";
import { usePages } from "../api/pages";
import { mayOperate } from "../api/session";
import type { BulkRequest, Run } from "../api/types.gen";
import { useData } from "../api/use";
import { Bulk } from "../components/bulk";
import { Filters, Search, Select, spans } from "../components/filters";
import { RunRows } from "../components/run-rows";
import { lookOf, runStatuses } from "../components/status";
import { Empty, ErrorNote, Loading, Page } from "../components/ui";
import { count } from "../lib/format";
import { change, here } from "../lib/router";
import { RunsChart } from "./runs-chart";

const names = ["q", "where", "recipe", "status", "since", "until", "event"];

export default function Runs() {
  const query = here.value.query;
  const one = (name: string): string | undefined => query.get(name) ?? undefined;
  const filter = {
    q: one("q"),
    where: query.getAll("where"),
    recipe: one("recipe"),
    status: (query.get("status") ?? "").split(",").filter((status) => status !== ""),
    since: one("since"),
    until: one("until"),
    event: one("event"),
  };
  const key = JSON.stringify(filter);
  const list = usePages<Run>({
    key: `runs ${key}`,
    fetch: async (cursor, signal) => {
      const page = await get("/api/v1/runs", { query: { ...filter, status: filter.status.join(","), cursor, limit: cursor === undefined ? "100" : "500" }, signal });
      return { rows: page.runs, next: page.next };
    },
    id: (run) => run.id,
    topics: filter.until === undefined ? ["run", "missed", "resync"] : [],
    told: (f) => on("run", f),
  });
  const recipes = useData("recipe names", () => get("/api/v1/recipes"), ["reload"]);
  const [bulk, setBulk] = useState<"retry" | "cancel">();

  return (
    <Page title="Runs" actions={mayOperate() && <Many statuses={filter.status} onPick={setBulk} />}>
      <RunsChart since={filter.since} until={filter.until} recipe={filter.recipe} />
      <Filters names={names}>
        <Search label="Search runs by id, or by a field of the event" placeholder="Id, or customer=cus_…" />
        <Select label="Recipe" name="recipe" any="Every recipe" options={(recipes.data?.recipes ?? []).map((r) => [r.name, r.name])} />
        <Select label="Time" name="since" any="All time" options={spans} />
        <Statuses chosen={filter.status} />
      </Filters>
      <Chosen until={filter.until} event={filter.event} />
      <ErrorNote error={list.error} again={list.reload} />
      <Fresh fresh={list.fresh} what="runs" onShow={list.showFresh} />
      {list.loading && <Loading what="Runs are looked up" />}
      {!list.loading && list.rows.length === 0 && list.error === undefined && <None filtered={names.some((name) => query.has(name))} />}
      {list.rows.length > 0 && <RunRows label="Runs, the newest first" runs={list.rows} more={list.more} onMore={list.loadMore} />}
      {bulk !== undefined && (
        <Bulk
          verb={bulk}
          request={bulkRequest(filter, bulk)}
          about={bulk === "retry" ? "failed and are as this list is filtered" : "have not ended and are as this list is filtered"}
          onClose={() => setBulk(undefined)}
          onDone={list.reload}
        />
      )}
    </Page>
  );
}

interface Filter {
  q: string | undefined;
  where: string[];
  recipe: string | undefined;
  status: string[];
  since: string | undefined;
  until: string | undefined;
  event: string | undefined;
}

/** bulkRequest says the list's filter as requests for many runs take it. */
function bulkRequest(filter: Filter, verb: "retry" | "cancel"): BulkRequest {
  const request: BulkRequest = {};
  if (filter.recipe !== undefined) {
    request.recipe = filter.recipe;
  }
  if (filter.event !== undefined) {
    request.event = filter.event;
  }
  if (filter.since !== undefined) {
    request.since = filter.since;
  }
  if (filter.where.length > 0) {
    request.where = filter.where;
  }
  if (verb === "retry") {
    request.status = "failed";
  }
  return request;
}

/** Many offers what can be done to all runs of the list. What the server can't narrow down the same way is not offered:
 * more would be done than is seen. */
function Many({ statuses, onPick }: { statuses: string[]; onPick: (verb: "retry" | "cancel") => void }) {
  const query = here.value.query;
  if (query.has("q") || query.has("until")) {
    return null;
  }
  const only = (...some: string[]): boolean => statuses.length > 0 && statuses.every((status) => some.includes(status));
  if (only("failed")) {
    return (
      <button type="button" class="button" onClick={() => onPick("retry")}>
        Retry all of these…
      </button>
    );
  }
  if (statuses.length === 3 && only("waiting", "queued", "running")) {
    return (
      <button type="button" class="button" onClick={() => onPick("cancel")}>
        Cancel all of these…
      </button>
    );
  }
  return null;
}

/** Statuses are the outcomes that are shown, several at once. */
function Statuses({ chosen }: { chosen: string[] }) {
  const toggle = (status: string): void => 
    change({ status: (chosen.includes(status) ? chosen.filter((one) => one !== status) : [...chosen, status]).join(",") });
  return (
    <fieldset class="chips">
      <legend class="hidden">Outcome</legend>
      {runStatuses.map((status) => (
        <label key={status} class={`chip tone-${lookOf(status).tone}`}>
          <input type="checkbox" checked={chosen.includes(status)} onChange={() => toggle(status)} />
          <span>{lookOf(status).label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Chosen shows filters that the bar has no field for. */
function Chosen({ until, event }: { until: string | undefined; event: string | undefined }) {
  if (until === undefined && event === undefined) {
    return null;
  }
  return (
    <p class="chosen">
      {event !== undefined && (
        <button type="button" class="tag-button" onClick={() => change({ event: undefined })} aria-label={`Event ${event}, take this filter off`}>
          event {event} ×
        </button>
      )}
      {until !== undefined && (
        <button type="button" class="tag-button" onClick={() => change({ until: undefined })} aria-label="Take off the end of the time">
          until {new Date(until).toLocaleString("en-GB")} ×
        </button>
      )}
    </p>
  );
}

/** Fresh tells of rows that came while the reader was further down. */
export function Fresh({ fresh, what, onShow }: { fresh: number; what: string; onShow: () => void }) {
  if (fresh === 0) {
    return null;
  }
  return (
    <button type="button" class="fresh" onClick={onShow}>
      {fresh === -1 ? `Many new ${what}` : `${count(fresh)} new ${what}`}
    </button>
  );
}

function None({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No run is as these filters say">
        <p>An event that no recipe took leaves no run. The events say why: see the event, “why not”.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No run yet">
      <p>A run appears here when a recipe takes an event. The start page says how to send one.</p>
      <p>
        <a href="/">How to begin</a>
      </p>
    </Empty>
  );
}
