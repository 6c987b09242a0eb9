// The recipe that joins a trigger and an action, ready to be copied.

import { get } from "../api/client";
import { status } from "../api/session";
import type { CatalogPair } from "../api/types.gen";
import { useData } from "../api/use";
import { Source } from "../components/source";
import { Copy, ErrorNote, Loading, Page, Section } from "../components/ui";
import { plural } from "../lib/format";
import type { ViewProps } from "../routes";

export default function Pair({ params }: ViewProps) {
  const trigger = params[0] ?? "";
  const action = params[1] ?? "";
  const pair = useData(`pair ${trigger} ${action}`, (signal) => get("/api/v1/catalog/pair", { query: { trigger, action }, signal }));
  if (pair.data === undefined) {
    return (
      <Page title={`${trigger}, ${action}`}>
        <ErrorNote error={pair.error} again={pair.reload} />
        {pair.loading && <Loading what="The recipe is written" />}
      </Page>
    );
  }
  return <Written pair={pair.data} />;
}

function Written({ pair }: { pair: CatalogPair }) {
  const dir = status.value?.dir ?? "the folder of recipes";
  return (
    <Page
      title={pair.title}
      lead={
        <p>
          <a href={`/catalog/${encodeURIComponent(pair.trigger)}`}>{pair.trigger}</a> to <a href={`/catalog/${encodeURIComponent(pair.action)}`}>{pair.action}</a>. Inputs are mapped by what they mean; nothing is
          made up.
        </p>
      }
    >
      <ol class="todo">
        <li>
          Save it as <code>{`${dir}/${pair.filename}`}</code>. It is served as soon as it is there.
        </li>
        {pair.variables.length > 0 && (
          <li>
            Give {plural(pair.variables.length, "value")} that the trigger does not carry: in the environment, as below, or with <code>-var</code>.
          </li>
        )}
        {pair.guarded && <li>What it does can't be undone. It does nothing until its variable says that it is meant.</li>}
        <li>Try it on an event that has come: open one under Events, “try against an edited recipe”. Nothing is sent.</li>
      </ol>
      <Section title="Recipe" aside={<Copy text={pair.recipe} label="Copy the recipe" />}>
        <Source text={pair.recipe} label={pair.title} />
      </Section>
      {pair.variables.length > 0 && (
        <Section title="Values it needs">
          <div class="scroll" tabIndex={0} role="region" aria-label="Variables">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Variable</th>
                  <th scope="col">Type</th>
                  <th scope="col">What</th>
                  <th scope="col">Environment</th>
                </tr>
              </thead>
              <tbody>
                {pair.variables.map((one) => (
                  <tr key={one.name}>
                    <td>
                      <code>{one.name}</code>
                    </td>
                    <td>{one.type}</td>
                    <td>
                      {one.doc}
                      {one.example !== undefined && <span class="quiet"> Such as {one.example}.</span>}
                    </td>
                    <td>
                      <code>FLOWRUN_VAR_{one.name}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Section>
      )}
      {(pair.not_null.length > 0 || pair.look_ups.length > 0) && (
        <Section title="When it holds back">
          {pair.not_null.length > 0 && (
            <p>
              Events without {pair.not_null.map((path, i) => <span key={path}>{i > 0 && ", "}<code>{path}</code></span>)} are held back: the action needs it.
            </p>
          )}
          {pair.look_ups.length > 0 && (
            <p>
              What the trigger does not carry is looked up by {pair.look_ups.map((name, i) => <span key={name}>{i > 0 && ", "}<a href={`/catalog/${encodeURIComponent(name)}`}>{name}</a></span>)}; where that finds nothing, the event is held back.
            </p>
          )}
        </Section>
      )}
    </Page>
  );
}
