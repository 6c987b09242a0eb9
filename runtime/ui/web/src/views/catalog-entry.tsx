// A service, a trigger or an action: what it is, its shape, how it stands in a recipe, and what it can be paired with.

import { useState } from "preact/hooks";

import { get } from "../api/client";
import type { CatalogEntry, CatalogField } from "../api/types.gen";
import { useData } from "../api/use";
import { JsonTree } from "../components/json";
import { Source } from "../components/source";
import { Copy, ErrorNote, Facts, Loading, Page, Section, sentence } from "../components/ui";
import { here, href } from "../lib/router";
import type { ViewProps } from "../routes";
import { found, useCatalog } from "./catalog";
import { Limits } from "./connections";

export default function Entry({ params }: ViewProps) {
  const name = params[0] ?? "";
  const kind = here.value.query.get("kind") ?? undefined;
  const entry = useData(`catalog ${name} ${kind}`, (signal) => get("/api/v1/catalog/{name}", { path: { name }, query: { kind }, signal }));
  if (entry.data === undefined) {
    return (
      <Page title={name}>
        <ErrorNote error={entry.error} again={entry.reload} />
        {entry.loading && <Loading what="It is looked up" />}
      </Page>
    );
  }
  return <Whole entry={entry.data} />;
}

function Whole({ entry }: { entry: CatalogEntry }) {
  const service = entry.kind === "service";
  return (
    <Page
      title={entry.name}
      heading={
        <>
          {entry.title} <span class="quiet heading-name">{entry.name}</span>
        </>
      }
      lead={
        <>
          {entry.doc !== undefined && <p>{sentence(entry.doc)}</p>}
          {!service && (
            <p>
              {entry.kind === "trigger" ? "A trigger" : "An action"} of <a href={`/catalog/${encodeURIComponent(entry.service)}`}>{entry.service}</a>
              {(entry.events ?? []).length > 0 && <>, started by {(entry.events ?? []).join(", ")}</>}.
              {entry.repeat !== undefined && <> A repeat of its call {entry.repeat}.</>}
            </p>
          )}
        </>
      }
    >
      {service && <OfService entry={entry} />}
      {entry.example !== undefined && entry.example !== "" && (
        <Section title="In a recipe" aside={<Copy text={entry.example} />}>
          <Source text={entry.example} label={`${entry.name} in a recipe`} />
        </Section>
      )}
      {!service && <Pairs entry={entry} />}
      {!service && entry.settings.length > 0 && (
        <Section title="What its block takes">
          <Fields name={entry.name} fields={entry.settings} at={undefined} input />
        </Section>
      )}
      {entry.kind === "action" && (
        <Section title="What it takes" aside={entry.limit !== undefined && `counts for the limit ${entry.limit}`}>
          {entry.inputs.length === 0 ? <p class="lead">Nothing.</p> : <Fields name={entry.name} fields={entry.inputs} at="in" input />}
          {(entry.one_of ?? []).map((group) => (
            <p key={group.join()}>
              Exactly one of {group.map((one, i) => <span key={one}>{i > 0 && ", "}<code>{one}</code></span>)} is given.
            </p>
          ))}
        </Section>
      )}
      {entry.kind === "action" && (
        <Section title="What it answers" aside={entry.may_be_null === true && "null where nothing is found"}>
          {entry.outputs.length === 0 ? <p class="lead">Nothing that a recipe could read.</p> : <Fields name={entry.name} fields={entry.outputs} at="out" />}
        </Section>
      )}
      {entry.kind === "trigger" && (
        <Section title="What it carries" aside={<>read as <code>trigger.NAME</code></>}>
          {entry.fields.length === 0 ? <p class="lead">What the recipe declares.</p> : <Fields name={entry.name} fields={entry.fields} at="" />}
        </Section>
      )}
      {entry.sample !== undefined && entry.sample !== null && (
        <Section title="A sample">
          <JsonTree value={entry.sample} label={`A sample of ${entry.name}`} open={1} />
        </Section>
      )}
    </Page>
  );
}

function OfService({ entry }: { entry: CatalogEntry }) {
  const { list, note } = useCatalog();
  const of = (kind: string): number => (list?.entries ?? []).filter((one) => one.service === entry.name && one.kind === kind).length;
  return (
    <>
      {note}
      <Facts
        items={[
          ["Triggers", <a key="t" href={href("/catalog", { service: entry.name, kind: "trigger" })}>{of("trigger")}</a>],
          ["Actions", <a key="a" href={href("/catalog", { service: entry.name, kind: "action" })}>{of("action")}</a>],
          ["Limits", (entry.limits ?? []).length === 0 ? undefined : <Limits key="l" limits={entry.limits ?? []} />],
        ]}
      />
      {entry.settings.length > 0 && (
        <Section title="Settings of a connection">
          <Fields name={entry.name} fields={entry.settings} at={undefined} input />
        </Section>
      )}
    </>
  );
}

/** Pairs finds the other half of a recipe. */
function Pairs({ entry }: { entry: CatalogEntry }) {
  const { list } = useCatalog();
  const [text, setText] = useState("");
  const item = list?.entries.find((one) => one.name === entry.name);
  if (list === undefined || item?.offered !== true) {
    return null;
  }
  const trigger = entry.kind === "trigger";
  const able = list.entries.filter((one) => one.offered && one.kind !== entry.kind && (trigger || one.service !== entry.service));
  const hits = text === "" ? [] : found(able, text, "", "").slice(0, 12);
  const pair = (other: string): string =>
    trigger ? `/catalog/pair/${encodeURIComponent(entry.name)}/${encodeURIComponent(other)}` : `/catalog/pair/${encodeURIComponent(other)}/${encodeURIComponent(entry.name)}`;
  return (
    <Section title={trigger ? "When it happens, do…" : "Do it when…"}>
      <input
        type="search"
        class="pair-find"
        value={text}
        aria-label={trigger ? "Find an action for it" : "Find a trigger for it"}
        placeholder={trigger ? "track, send email, post a message, …" : "charge failed, invoice paid, …"}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {text !== "" && hits.length === 0 && <p class="lead">Nothing has all of these words.</p>}
      {hits.length > 0 && (
        <ul class="pairs">
          {hits.map((one) => (
            <li key={one.name}>
              <a href={pair(one.name)}>{one.name}</a> <span class="quiet">{one.doc}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

interface FieldsProps {
  name: string; // of the entry
  fields: CatalogField[];
  at: string | undefined; // where these are, as the API's path says; undefined where nothing can be unfolded
  input?: boolean; // they are given, not read
}

/** Fields is a shape as a table; an object in it is unfolded where somebody asks for it. */
function Fields({ name, fields, at, input = false }: FieldsProps) {
  const some = (f: (one: CatalogField) => unknown): boolean => fields.some((one) => f(one) !== undefined);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={at === undefined || at === "" ? `Fields of ${name}` : `Fields of ${name}, ${at}`}>
      <table class="table fields">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">What</th>
            {some((one) => one.env) && <th scope="col">Environment</th>}
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <OneField key={field.name} name={name} field={field} at={at} input={input} env={some((one) => one.env)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function OneField({ name, field, at, input, env }: { name: string; field: CatalogField; at: string | undefined; input: boolean; env: boolean }) {
  const [open, setOpen] = useState(false);
  const path = at === undefined || at === "" ? field.name : `${at}.${field.name}`;
  const inner = useData(open ? `catalog ${name} ${path}` : "", (signal) => get("/api/v1/catalog/{name}", { path: { name }, query: { path, kind: here.value.query.get("kind") ?? undefined }, signal }));
  const enums = field.enum ?? [];
  return (
    <>
      <tr>
        <td class="nowrap">
          {field.object === true && at !== undefined ? (
            <button type="button" class="unfold" aria-expanded={open} onClick={() => setOpen(!open)}>
              <code>{field.name}</code>
              <svg viewBox="0 0 16 16" width="10" height="10" aria-hidden="true">
                <path d={open ? "M3 5.5l5 5 5-5" : "M5.5 3l5 5-5 5"} />
              </svg>
            </button>
          ) : (
            <code>{field.name}</code>
          )}
          {input && field.required === true && <span class="tag">required</span>}
          {!input && field.nullable === true && <span class="tag quiet">may be null</span>}
        </td>
        <td>
          {field.type}
          {field.secret === true && <span class="tag">secret</span>}
        </td>
        <td>
          {field.doc}
          {enums.length > 0 && <span class="quiet"> One of {enums.slice(0, 12).join(", ")}{enums.length > 12 && ` and ${enums.length - 12} more`}.</span>}
          {field.default !== undefined && <span class="quiet"> {field.default} where left out.</span>}
        </td>
        {env && <td class="nowrap">{field.env !== undefined && <code>{field.env}</code>}</td>}
      </tr>
      {open && (
        <tr>
          <td colSpan={env ? 4 : 3} class="inner">
            <ErrorNote error={inner.error} />
            {inner.data === undefined ? <Loading what="Its fields are read" /> : <Fields name={name} fields={inner.data.fields} at={path} input={input} />}
          </td>
        </tr>
      )}
    </>
  );
}
