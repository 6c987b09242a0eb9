// The ways to the vendors: whether they answer, what they may be called, what they did not send.

import { get } from "../api/client";
import type { ConnectionDetail, ConnLimit } from "../api/types.gen";
import { useData } from "../api/use";
import { Status } from "../components/status";
import { Empty, ErrorNote, Facts, Loading, Page, sentence, Time } from "../components/ui";
import { plural } from "../lib/format";
import { href } from "../lib/router";
import { RecipeLinks } from "./recipe";

export default function Connections() {
  const list = useData("connections", (signal) => get("/api/v1/connections", { signal }), ["breakers", "reload", "resync"]);
  const connections = list.data?.connections ?? [];
  return (
    <Page title="Connections" lead={<p>Keys and signing secrets are in the server's environment; none is shown here. “flowrun doctor” asks each vendor whether it takes them.</p>}>
      <ErrorNote error={list.error} again={list.reload} />
      {list.loading && list.data === undefined && <Loading what="Connections are looked up" />}
      {list.data !== undefined && connections.length === 0 && (
        <Empty title="No recipe uses a connection">
          <p>A connection is there once a recipe names a trigger or an action of its service.</p>
        </Empty>
      )}
      <div class="groups">
        {connections.map((one) => (
          <OneConnection key={one.name} connection={one} />
        ))}
      </div>
    </Page>
  );
}

/** ConnectionHealth says in a line what is wrong, or that nothing is. */
export function ConnectionHealth({ connection }: { connection: ConnectionDetail }) {
  const breaker = connection.breaker;
  if (breaker !== undefined) {
    return (
      <span class="health">
        <Status status="failed" word={breaker.state === "half-open" ? "Being tried again" : "Calls are held back"} /> since <Time at={breaker.since} />: {breaker.reason}. The next call is tried <Time at={breaker.until} />; no run
        fails for it.
      </span>
    );
  }
  if (connection.problem !== undefined) {
    return (
      <span class="health">
        <Status status="failed" word="Endpoint" /> {sentence(connection.problem)}
      </span>
    );
  }
  const unsent = connection.not_sent ?? [];
  if (unsent.length > 0) {
    return (
      <span class="health">
        <Status status="failed" word="Events are not sent" /> The endpoint at the vendor does not send {unsent.join(", ")}. “flowrun webhooks apply” has it send them.
      </span>
    );
  }
  if (connection.missing.length > 0) {
    const first = connection.missing[0];
    return (
      <span class="health">
        <Status status="waiting" word="Webhooks went missing" /> {plural(connection.missing.length, "event")} came by no webhook and were read from the vendor's history, the newest of <Time at={first?.time} />.
      </span>
    );
  }
  return (
    <span class="health">
      <Status status="completed" word="Well" />
    </span>
  );
}

function OneConnection({ connection }: { connection: ConnectionDetail }) {
  return (
    <article class="connection" id={connection.name} aria-label={connection.name}>
      <header>
        <h2>{connection.name}</h2>
        <span class="quiet">
          <a href={`/catalog/${encodeURIComponent(connection.service)}`}>{connection.title ?? connection.service}</a>
          {connection.livemode !== undefined && (connection.livemode ? ", live" : ", test")}
        </span>
      </header>
      <p>
        <ConnectionHealth connection={connection} />
      </p>
      <Facts
        items={[
          [
            "Last event",
            connection.last_event_at === undefined ? (
              connection.events.length === 0 ? undefined : "none yet"
            ) : (
              <a key="last" href={href(`/events/${encodeURIComponent(connection.last_event ?? "")}`, { connection: connection.name })}>
                <Time at={connection.last_event_at} />
              </a>
            ),
          ],
          ["Webhooks come to", connection.door === undefined ? undefined : <code key="door">{connection.door}</code>],
          ["Endpoint", connection.endpoint === undefined ? undefined : <code key="endpoint">{connection.endpoint}</code>],
          ["Read from the vendor", connection.polled === true ? "yes, no webhook comes" : undefined],
          ["Events that recipes need", connection.events.length === 0 ? undefined : connection.events.join(", ")],
          ["Starts", connection.listeners.length === 0 ? undefined : <RecipeLinks key="starts" names={connection.listeners} />],
          ["Called by", connection.callers.length === 0 ? undefined : <RecipeLinks key="callers" names={connection.callers} />],
          ["Limits", connection.limits.length === 0 ? undefined : <Limits key="limits" limits={connection.limits} />],
          [
            "Missing events",
            connection.missing.length === 0 ? undefined : (
              <ul key="missing" class="plain-list">
                {connection.missing.slice(0, 10).map((gap) => (
                  <li key={gap.id}>
                    <a href={href(`/events/${encodeURIComponent(gap.id)}`, { connection: connection.name })}>{gap.id}</a> {gap.type}, of <Time at={gap.time} as="moment" />, found <Time at={gap.found} />
                  </li>
                ))}
                {connection.missing.length > 10 && <li>and {connection.missing.length - 10} more</li>}
              </ul>
            ),
          ],
        ]}
      />
    </article>
  );
}

/** Limits are what the vendor takes, by class of calls. */
export function Limits({ limits }: { limits: ConnLimit[] }) {
  return (
    <ul class="plain-list">
      {limits.map((one) => (
        <li key={one.class ?? ""}>
          {one.class === undefined ? (limits.length > 1 ? "all others" : "all calls") : <code>{one.class}</code>}: {limitWords(one)}
        </li>
      ))}
    </ul>
  );
}

function limitWords(one: ConnLimit): string {
  const parts: string[] = [];
  if (one.rate !== undefined) {
    parts.push(one.rate >= 1 ? `${one.rate} a second` : `one in ${Math.round(1 / one.rate)} seconds`);
  }
  if (one.burst !== undefined && one.burst > 1 && one.burst !== one.rate) {
    parts.push(`${one.burst} at once`);
  }
  if (one.concurrency !== undefined) {
    parts.push(`${one.concurrency} at the same time`);
  }
  return parts.join(", ");
}
