// All events, the newest first, with what recipes made of them.

import { get } from "../api/client";
import { usePages } from "../api/pages";
import { status } from "../api/session";
import type { Event } from "../api/types.gen";
import { useData } from "../api/use";
import { Filters, Search, Select, spans } from "../components/filters";
import { type Column, Rows } from "../components/rows";
import { Empty, ErrorNote, Loading, Page, Time } from "../components/ui";
import { plural } from "../lib/format";
import { here } from "../lib/router";
import { Fresh } from "./runs";
import { Samples } from "./first-visit";

const names = ["q", "where", "connection", "type", "since", "until"];

const columns: Column<Event>[] = [
  { head: "Type", class: "at-recipe", cell: (event) => event.type },
  { head: "What recipes made of it", class: "at-why", cell: (event) => <DecisionWords event={event} /> },
  { head: "Event", class: "at-event", cell: (event) => <code title={event.id}>{event.id}</code> },
  {
    head: "Connection",
    class: "at-status",
    cell: (event) => (
      <>
        {event.connection}
        {event.livemode && <span class="tag">live</span>}
      </>
    ),
  },
  { head: "Received", class: "at-time", cell: (event) => <Time at={event.received_at} /> },
];

/** DecisionWords says what became of an event. */
export function DecisionWords({ event }: { event: Event }) {
  const decision = event.decision;
  if (decision === undefined) {
    return <span class="why wait">not decided yet</span>;
  }
  if (decision.matched.length === 0 && decision.runs === 0) {
    return <span class="why off">no recipe took it</span>;
  }
  return (
    <span class="why" title={decision.matched.join(", ")}>
      <b class="num">{plural(decision.runs, "run")}</b> {decision.matched.join(", ")}
    </span>
  );
}

export default function Events() {
  const query = here.value.query;
  const one = (name: string): string | undefined => query.get(name) ?? undefined;
  const filter = { q: one("q"), where: query.getAll("where"), connection: one("connection"), type: one("type"), since: one("since"), until: one("until") };
  const list = usePages<Event>({
    key: `events ${JSON.stringify(filter)}`,
    fetch: async (cursor, signal) => {
      const page = await get("/api/v1/events", { query: { ...filter, cursor, limit: cursor === undefined ? "100" : "500" }, signal });
      return { rows: page.events, next: page.next };
    },
    id: (event) => String(event.seq),
    topics: filter.until === undefined ? ["event", "missed", "resync"] : [],
  });
  const recipes = useData("recipes", () => get("/api/v1/recipes"), ["reload"]);
  const types = [...new Set((recipes.data?.recipes ?? []).flatMap((r) => r.triggers.flatMap((t) => t.events)).filter((type) => type !== "*"))].sort();
  const filtered = names.some((name) => query.has(name));

  return (
    <Page title="Events" actions={status.value?.mode === "dev" && <SendSample recipes={recipes.data?.recipes ?? []} />}>
      <Filters names={names}>
        <Search label="Search events by id, or by a field" placeholder="Id, or customer=cus_…" />
        <Select label="Connection" name="connection" any="Every connection" options={(status.value?.connections ?? []).map((c) => [c.name, c.name])} />
        <Select label="Type" name="type" any="Every type" options={types.map((type) => [type, type])} />
        <Select label="Time" name="since" any="All time" options={spans} />
      </Filters>
      <ErrorNote error={list.error} again={list.reload} />
      <Fresh fresh={list.fresh} what="events" onShow={list.showFresh} />
      {list.loading && <Loading what="Events are looked up" />}
      {!list.loading && list.rows.length === 0 && list.error === undefined && (
        <Empty title={filtered ? "No event is as these filters say" : "No event yet"}>
          {!filtered && (
            <p>
              <a href="/">How to begin</a>
            </p>
          )}
        </Empty>
      )}
      {list.rows.length > 0 && (
        <Rows
          label="Events, the newest first"
          layout="event-rows"
          rows={list.rows}
          columns={columns}
          id={(event) => String(event.seq)}
          link={(event) => `/events/${encodeURIComponent(event.id)}?connection=${encodeURIComponent(event.connection)}`}
          height={{ wide: 36, narrow: 84 }}
          more={list.more}
          onMore={list.loadMore}
        />
      )}
    </Page>
  );
}

function SendSample({ recipes }: { recipes: Parameters<typeof Samples>[0]["recipes"] }) {
  return (
    <details class="popover">
      <summary class="button">Send a sample</summary>
      <div class="popover-body">
        <Samples recipes={recipes} />
      </div>
    </details>
  );
}
