// The recipes that are served: what starts each, how it has been doing, and whether the folder on disk was taken.

import { useMemo } from "preact/hooks";

import { get, post } from "../api/client";
import { mayOperate, refresh, status } from "../api/session";
import type { Recipe, RecipeStats } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { Filters, Select } from "../components/filters";
import { Find } from "../components/find";
import { type Column, Rows } from "../components/rows";
import { Glyph } from "../components/status";
import { toast } from "../components/toast";
import { Digest, Empty, ErrorNote, Loading, Page, Time } from "../components/ui";
import { duration, percent, plural } from "../lib/format";
import { here } from "../lib/router";

interface Row {
  recipe: Recipe;
  stats: RecipeStats | undefined;
}

/** share is how many of the runs that came to an end of their own succeeded; undefined where there is none. */
export function share(stats: RecipeStats | undefined): number | undefined {
  const ended = (stats?.completed ?? 0) + (stats?.failed ?? 0);
  return stats === undefined || ended === 0 ? undefined : stats.completed / ended;
}

/** standings are what a recipe has that somebody should know, each a word and its tone. */
export function standings(recipe: Recipe, stats: RecipeStats | undefined): [string, string][] {
  const out: [string, string][] = [];
  if (recipe.removed === true) {
    out.push(["removed, runs go on", "wait"]);
  } else if (!recipe.enabled) {
    out.push(["disabled", "off"]);
  }
  if (recipe.paused !== undefined) {
    out.push([recipe.paused === "drop" ? "paused, events are dropped" : "paused, events are held", "wait"]);
  }
  if (stats?.dead === true) {
    out.push(["no run for 30 days", "wait"]);
  }
  return out;
}

const columns: Column<Row>[] = [
  { head: "Recipe", class: "at-recipe", cell: ({ recipe }) => recipe.name },
  {
    head: "Starts with",
    class: "at-event",
    cell: ({ recipe }) => {
      const events = recipe.triggers.flatMap((trigger) => (trigger.events.length === 0 ? [trigger.type] : trigger.events));
      return <span title={events.join(", ")}>{events.length > 2 ? `${events.slice(0, 2).join(", ")} and ${events.length - 2} more` : events.join(", ")}</span>;
    },
  },
  {
    head: "Succeeded",
    class: "at-rate",
    cell: ({ stats }) => {
      const value = share(stats);
      if (stats === undefined || value === undefined) {
        return <span class="off">–</span>;
      }
      return (
        <span class={stats.failed > 0 ? "rate bad" : "rate"} title={`${stats.completed} of ${stats.completed + stats.failed}, of the newest ${plural(stats.runs, "run")}`}>
          {stats.failed > 0 && <Glyph status="failed" />}
          <span class="num">{percent(value)}</span>
        </span>
      );
    },
  },
  {
    head: "95% within",
    class: "at-took num",
    cell: ({ stats }) => (stats === undefined || stats.completed === 0 ? <span class="off">–</span> : duration(stats.p95_ms)),
  },
  {
    head: "Not ended",
    class: "at-open num",
    cell: ({ recipe }) => {
      const open = recipe.running + recipe.waiting + recipe.queued;
      return open === 0 ? <span class="off">–</span> : <span title={`${recipe.running} running, ${recipe.waiting} waiting, ${recipe.queued} queued`}>{open}</span>;
    },
  },
  { head: "Last run", class: "at-time", cell: ({ stats }) => (stats?.last_at === undefined ? <span class="off">{stats === undefined ? "" : "never"}</span> : <Time at={stats.last_at} />) },
  {
    head: "State",
    class: "at-state",
    cell: ({ recipe, stats }) => standings(recipe, stats).map(([word, tone]) => <span key={word} class={`tag tone-${tone}`}>{word}</span>),
  },
];

const filters: [string, string][] = [
  ["failing", "With failures"],
  ["dead", "No run for 30 days"],
  ["paused", "Paused or disabled"],
];

function shown({ recipe, stats }: Row, find: string, only: string): boolean {
  if (find !== "" && !`${recipe.name} ${recipe.description ?? ""} ${recipe.triggers.map((t) => t.events.join(" ")).join(" ")} ${recipe.actions.join(" ")}`.toLowerCase().includes(find)) {
    return false;
  }
  switch (only) {
    case "failing":
      return (stats?.failed ?? 0) > 0;
    case "dead":
      return stats?.dead === true;
    case "paused":
      return recipe.paused !== undefined || !recipe.enabled;
    default:
      return true;
  }
}

export default function Recipes() {
  const recipes = useData("recipes", (signal) => get("/api/v1/recipes", { signal }), ["reload", "resync"]);
  const stats = useData("recipe stats", (signal) => get("/api/v1/recipe-stats", { signal }), ["reload", "resync"]);
  const query = here.value.query;
  const find = (query.get("find") ?? "").toLowerCase();
  const only = query.get("only") ?? "";
  const rows = useMemo(() => {
    const by = new Map((stats.data?.recipes ?? []).map((one) => [one.recipe, one]));
    return (recipes.data?.recipes ?? []).map((recipe) => ({ recipe, stats: by.get(recipe.name) })).filter((row) => shown(row, find, only));
  }, [recipes.data, stats.data, find, only]);
  const all = recipes.data?.recipes.length ?? 0;
  return (
    <Page title="Recipes" lead={<Served />} actions={mayOperate() && <Reload />}>
      <Filters names={["find", "only"]}>
        <Find label="Find a recipe by name, description, event or action" placeholder="Name, event or action" />
        <Select label="Which" name="only" any="All recipes" options={filters} />
      </Filters>
      <ErrorNote error={recipes.error ?? stats.error} again={recipes.reload} />
      {recipes.loading && recipes.data === undefined && <Loading what="Recipes are looked up" />}
      {recipes.data !== undefined && rows.length === 0 && (
        <Empty title={all === 0 ? "No recipe is served" : "No recipe is as these filters say"}>
          {all === 0 && (
            <p>
              Write one into the folder {status.value?.dir}, or begin with a <a href="/catalog">pair of a trigger and an action</a>. It is served as soon as it is there.
            </p>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Rows
          label="Recipes, by name"
          layout="recipe-rows"
          rows={rows}
          columns={columns}
          id={(row) => row.recipe.name}
          link={(row) => recipePath(row.recipe.name)}
          height={{ wide: 36, narrow: 88 }}
          more={false}
          onMore={() => undefined}
        />
      )}
    </Page>
  );
}

/** recipePath is where a recipe is. */
export function recipePath(name: string): string {
  return `/recipes/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** Served says what is served, and since when. A refused change is told above every page. */
function Served() {
  const server = status.value;
  const good = server?.last_good_reload;
  if (server === undefined || good === undefined) {
    return null;
  }
  return (
    <>
      {plural(good.recipes, "recipe")} from <code>{server.dir}</code>, program <Digest value={good.digest} />, applied <Time at={good.at} />
      {server.last_reload?.ok === false && <>. What is on disk now was refused</>}
    </>
  );
}

function Reload() {
  const { pending, error, run } = usePending();
  return (
    <>
      <ErrorNote error={error} />
      <button
        type="button"
        class="button"
        disabled={pending}
        onClick={() =>
          run(async () => {
            const result = await post("/api/v1/reload", undefined);
            await refresh();
            toast(!result.ok ? "The folder was refused. What is wrong is told above." : result.changed ? "Applied." : "Nothing has changed.");
          })
        }
      >
        Apply the folder now
      </button>
    </>
  );
}
