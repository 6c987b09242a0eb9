// What has failed and waits for somebody, by cause: mended once, then taken up again together.

import { useState } from "preact/hooks";

import { get } from "../api/client";
import { mayOperate } from "../api/session";
import type { ConnectionDetail, FailureGroup } from "../api/types.gen";
import { useData } from "../api/use";
import { Bulk } from "../components/bulk";
import { Filters, Select, spans } from "../components/filters";
import { Empty, ErrorNote, Loading, Page, Section, sentence, Time } from "../components/ui";
import { count, plural } from "../lib/format";
import { here, href } from "../lib/router";
import { kindWords } from "../lib/words";
import { ConnectionHealth } from "./connections";
import { recipePath } from "./recipes";

export default function Failures() {
  const query = here.value.query;
  const filter = { recipe: query.get("recipe") ?? undefined, since: query.get("since") ?? undefined };
  const list = useData(`failures ${JSON.stringify(filter)}`, (signal) => get("/api/v1/failures", { query: filter, signal }), ["run", "missed", "resync"], true);
  const recipes = useData("recipe names", (signal) => get("/api/v1/recipes", { signal }), ["reload"]);
  const connections = useData("connections", (signal) => get("/api/v1/connections", { signal }), ["breakers", "reload", "resync"]);
  const [retry, setRetry] = useState<FailureGroup>();
  const data = list.data;
  return (
    <Page title="Failures" lead={data !== undefined && data.failed > 0 && <p>{plural(data.failed, "run")} failed and were not mended. The same cause is one group, whichever events it met.</p>}>
      <Troubles connections={connections.data?.connections ?? []} />
      <Filters names={["recipe", "since"]}>
        <Select label="Recipe" name="recipe" any="Every recipe" options={(recipes.data?.recipes ?? []).map((r) => [r.name, r.name])} />
        <Select label="Time" name="since" any="All time" options={spans} />
      </Filters>
      <ErrorNote error={list.error} again={list.reload} />
      {data === undefined && list.loading && <Loading what="Failures are looked up" />}
      {data !== undefined && data.groups.length === 0 && (
        <Empty title={data.failed === 0 ? "Nothing has failed" : "Nothing failed as these filters say"}>
          {data.failed === 0 && <p>A run that fails for good appears here. Calls that fail for a moment are repeated by themselves, and are not failures.</p>}
        </Empty>
      )}
      {data?.older === true && (
        <p class="note plain">
          The groups are made of the newest {count(data.seen)} failures. When these are mended, older ones follow.
        </p>
      )}
      <div class="groups">
        {data?.groups.map((group) => (
          <Group key={`${group.recipe} ${group.step} ${group.kind} ${group.http}`} group={group} onRetry={() => setRetry(group)} />
        ))}
      </div>
      {retry !== undefined && (
        <Bulk verb="retry" request={retry.retry} about={`of ${retry.recipe} failed in this way`} onClose={() => setRetry(undefined)} onDone={list.reload} />
      )}
    </Page>
  );
}

/** nextWords say what mends a kind of failure. */
function nextWords(group: FailureGroup): string {
  switch (group.kind) {
    case "unauthorized":
      return "The vendor did not take the key. Give the connection a new one, restart, then retry.";
    case "refused":
    case "invalid":
      return "The vendor would refuse it again. Mend the recipe, then retry with the recipes as they are served now.";
    case "not_found":
    case "gone":
      return "What it is about is not at the vendor. Mend it there, or let these be.";
    case "unknown":
      return "The call was made and its answer never came. Look at the vendor whether it was done, then settle the step of each run.";
    case "drift":
      return "The vendor sent something of another shape than it declares. A newer flowrun may know it.";
    case "":
      return "It failed outside of its steps: the run says where.";
    default:
      return group.transient ? "It can pass by itself: the attempts were used up. Retry once the vendor is well." : "";
  }
}

function Group({ group, onRetry }: { group: FailureGroup; onRetry: () => void }) {
  const step = group.step?.replace(/^(on_error\.)?action\./, "$1");
  const runs = href("/runs", { recipe: group.recipe, status: "failed", since: group.retry.since });
  return (
    <article class="group" aria-label={`${group.recipe}, ${step ?? "the run"}, ${kindWords(group.kind)}`}>
      <p class="group-count num">{count(group.count)}</p>
      <div class="group-what">
        <h2>
          <a href={recipePath(group.recipe)}>{group.recipe}</a>
          {step !== undefined && (
            <>
              {" "}
              <span class="quiet">at</span> {step}
            </>
          )}
        </h2>
        <p class="group-cause">
          <span class="kind">
            {group.kind === "" ? "no reason was kept" : kindWords(group.kind)}
            {group.http !== undefined && `, HTTP ${group.http}`}
          </span>{" "}
          <span class="group-message">{sentence(group.message)}</span>
          {group.messages > 1 && <span class="quiet"> and {plural(group.messages - 1, "other message")}</span>}
        </p>
        <p class="group-next">{nextWords(group)}</p>
        <p class="group-facts">
          {group.count === 1 ? (
            <Time at={group.last} />
          ) : (
            <>
              first <Time at={group.first} />, last <Time at={group.last} />
            </>
          )}
          {" · "}
          {group.event_types.join(", ")}
          {" · "}
          {group.count === 1 ? <a href={`/runs/${encodeURIComponent(group.runs[0] ?? "")}`}>the run</a> : <a href={`/runs/${encodeURIComponent(group.runs[0] ?? "")}`}>the newest run</a>}
          {group.count > 1 && (
            <>
              {" · "}
              <a href={runs}>failed runs of the recipe</a>
            </>
          )}
        </p>
      </div>
      <div class="group-acts">
        {mayOperate() && (
          <button type="button" class="button" onClick={onRetry} aria-label={`Retry ${plural(group.count, "run")} of ${group.recipe}`}>
            Retry {count(group.count)}…
          </button>
        )}
      </div>
    </article>
  );
}

/** Troubles are connections that are not well, since they are often why. */
function Troubles({ connections }: { connections: ConnectionDetail[] }) {
  const ill = connections.filter((one) => one.breaker !== undefined || one.problem !== undefined || (one.not_sent ?? []).length > 0 || one.missing.length > 0);
  if (ill.length === 0) {
    return null;
  }
  return (
    <Section title="Connections that are not well" aside={<a href="/connections">All connections</a>}>
      <ul class="troubles">
        {ill.map((one) => (
          <li key={one.name}>
            <a href={`/connections#${encodeURIComponent(one.name)}`}>{one.name}</a> <ConnectionHealth connection={one} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
