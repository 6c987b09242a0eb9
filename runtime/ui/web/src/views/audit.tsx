// Who did what at this door: what was revealed, retried, replayed, paused. The newest first.

import { get } from "../api/client";
import { usePages } from "../api/pages";
import type { AuditEntry } from "../api/types.gen";
import { Filters, Select, spans } from "../components/filters";
import { Status } from "../components/status";
import { Empty, ErrorNote, Loading, Page, Time } from "../components/ui";
import { plural } from "../lib/format";
import { change, here } from "../lib/router";

const names = ["who", "what", "id", "since"];

const whats = ["signed_in", "signed_out", "revealed", "retried", "canceled", "resolved", "moved", "replayed", "captured", "tried", "paused", "resumed", "reloaded", "backfilled", "backed_up", "triggered"];

/** words writes what the log calls an act. */
function words(what: string): string {
  return what.replace(/_/g, " ");
}

export default function Audit() {
  const query = here.value.query;
  const one = (name: string): string | undefined => query.get(name) ?? undefined;
  const filter = { who: one("who"), what: one("what"), id: one("id"), since: one("since") };
  const list = usePages<AuditEntry>({
    key: `audit ${JSON.stringify(filter)}`,
    fetch: async (cursor, signal) => {
      const page = await get("/api/v1/audit", { query: { ...filter, cursor, limit: "100" }, signal });
      return { rows: page.audit, next: page.next };
    },
    id: (entry) => String(entry.seq),
    topics: ["resync"],
  });
  const filtered = names.some((name) => query.has(name));
  return (
    <Page title="Audit log" lead="Who did what at this door, and what was revealed to whom.">
      <Filters names={names}>
        <Select label="What" name="what" any="Everything" options={whats.map((what) => [what, words(what)])} />
        <Select label="Who" name="who" any="Everybody" options={[...new Set(list.rows.map((entry) => entry.who))].sort().map((who) => [who, who])} />
        <Select label="Time" name="since" any="All time" options={spans} />
        {filter.id !== undefined && (
          <button type="button" class="tag-button" onClick={() => change({ id: undefined })} aria-label={`Only ${filter.id}, take this filter off`}>
            {filter.id} ×
          </button>
        )}
      </Filters>
      <ErrorNote error={list.error} again={list.reload} />
      {list.loading && <Loading what="The log is read" />}
      {!list.loading && list.rows.length === 0 && list.error === undefined && <Empty title={filtered ? "No entry is as these filters say" : "Nobody has done anything yet"} />}
      {list.rows.length > 0 && (
        <div class="table-box" role="region" aria-label="Audit log" tabIndex={0}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">Which</th>
                <th scope="col">Asked for</th>
                <th scope="col">Result</th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((entry) => (
                <Entry key={entry.seq} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.more && (
        <p class="buttons">
          <button type="button" class="button" onClick={list.loadMore}>
            Show older ones
          </button>
        </p>
      )}
    </Page>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const ids = entry.ids ?? [];
  return (
    <tr>
      <td>
        <Time at={entry.at} as="moment" />
      </td>
      <td>
        {entry.who}
        <span class="hint">
          {" "}
          {entry.role}, by {entry.via}
          {entry.from !== undefined && ` from ${entry.from}`}
        </span>
      </td>
      <td>{words(entry.what)}</td>
      <td class="audit-which">
        {ids.slice(0, 3).map((id) => (
          <a key={id} href={pathOf(id)}>
            {id}
          </a>
        ))}
        {(entry.count ?? 0) > 3 && plural(entry.count ?? 0, "run")}
      </td>
      <td class="audit-detail">{entry.detail !== undefined && entry.detail !== "{}" && <code>{entry.detail}</code>}</td>
      <td>{entry.result === "done" ? <Status status="done" word="done" /> : <Status status={entry.result === "begun" ? "intent" : "failed"} word={entry.result} />}</td>
    </tr>
  );
}

/** pathOf is the view of what an id names. */
function pathOf(id: string): string {
  const kind = id.startsWith("run_") ? "runs" : id.startsWith("evt_") ? "events" : "recipes";
  return `/${kind}/${encodeURIComponent(id)}`;
}
