// What recipes can be made of: every trigger and action there is, found by words.

import { useMemo } from "preact/hooks";

import { get } from "../api/client";
import type { CatalogItem, CatalogList } from "../api/types.gen";
import { useData } from "../api/use";
import { Filters, Select } from "../components/filters";
import { Find } from "../components/find";
import { type Column, Rows } from "../components/rows";
import { Empty, ErrorNote, Loading, Page } from "../components/ui";
import { count, plural } from "../lib/format";
import { here } from "../lib/router";

/** useCatalog is all of it; it does not change while the server runs. */
export function useCatalog(): { list: CatalogList | undefined; note: ReturnType<typeof ErrorNote>; loading: boolean } {
  const data = useData("catalog", (signal) => get("/api/v1/catalog", { signal }));
  return { list: data.data, note: <ErrorNote error={data.error} again={data.reload} />, loading: data.loading && data.data === undefined };
}

const kinds: [string, string][] = [
  ["trigger", "Triggers"],
  ["action", "Actions"],
];

const columns: Column<CatalogItem>[] = [
  { head: "Name", class: "at-name", cell: (item) => item.name },
  { head: "Kind", class: "at-kind", cell: (item) => item.kind },
  { head: "What", class: "at-why", cell: (item) => <span title={item.doc}>{item.doc}</span> },
];

/** found are the entries in whose name or description all words occur, those with the words in their name first. */
export function found(entries: CatalogItem[], text: string, kind: string, service: string): CatalogItem[] {
  const words = text.toLowerCase().replace(/_/g, " ").split(/\s+/).filter((word) => word !== "");
  const byName: CatalogItem[] = [];
  const byDoc: CatalogItem[] = [];
  for (const item of entries) {
    if ((kind !== "" && item.kind !== kind) || (service !== "" && item.service !== service)) {
      continue;
    }
    const name = item.name.replace(/_/g, " ");
    if (words.every((word) => name.includes(word))) {
      byName.push(item);
    } else if (words.every((word) => `${name} ${(item.doc ?? "").toLowerCase()}`.includes(word))) {
      byDoc.push(item);
    }
  }
  return [...byName, ...byDoc];
}

export default function Catalog() {
  const { list, note, loading } = useCatalog();
  const query = here.value.query;
  const find = query.get("find") ?? "";
  const kind = query.get("kind") ?? "";
  const service = query.get("service") ?? "";
  const rows = useMemo(() => found(list?.entries ?? [], find, kind, service), [list, find, kind, service]);
  const titles = new Map((list?.services ?? []).map((one) => [one.name, one.title]));
  return (
    <Page title="Catalogue" lead={list !== undefined && <p>{plural(list.entries.length, "trigger and action", "triggers and actions")} of {list.services.length} services. Choose a trigger and an action, and the recipe that joins them is written for you.</p>}>
      <Filters names={["find", "kind", "service"]}>
        <Find label="Find a trigger or an action" placeholder="charge failed, send email, …" />
        <Select label="Kind" name="kind" any="Triggers and actions" options={kinds} />
        <Select label="Service" name="service" any="Every service" options={[...titles]} />
      </Filters>
      {note}
      {loading && <Loading what="The catalogue is read" />}
      {list !== undefined && find === "" && kind === "" && service === "" && (
        <ul class="services" aria-label="Services">
          {list.services.map((one) => (
            <li key={one.name}>
              <a href={`/catalog/${encodeURIComponent(one.name)}`}>{one.title}</a>{" "}
              <span class="quiet">
                {count(one.triggers)} {one.triggers === 1 ? "trigger" : "triggers"}, {count(one.actions)} {one.actions === 1 ? "action" : "actions"}
              </span>
            </li>
          ))}
        </ul>
      )}
      {list !== undefined && rows.length === 0 && (
        <Empty title="Nothing has all of these words">
          <p>Any service that speaks HTTP can be called by http_request, and can start recipes by the trigger webhook or poll.</p>
        </Empty>
      )}
      {rows.length > 0 && (
        <Rows
          label="Triggers and actions"
          layout="catalog-rows"
          rows={rows}
          columns={columns}
          id={(item) => item.name}
          link={(item) => `/catalog/${encodeURIComponent(item.name)}?kind=${item.kind}`}
          height={{ wide: 34, narrow: 68 }}
          more={false}
          onMore={() => undefined}
        />
      )}
    </Page>
  );
}
