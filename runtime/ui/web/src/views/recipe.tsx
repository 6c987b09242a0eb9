// One recipe: what is wrong with it first, then its graph beside its text, how it has been doing, and the texts it had.

import { useState } from "preact/hooks";

import { get, post } from "../api/client";
import { mayOperate } from "../api/session";
import type { Diagnostic, RecipeDetail, RecipeVersion } from "../api/types.gen";
import { useData, usePending } from "../api/use";
import { Confirm } from "../components/dialog";
import { Diff } from "../components/diff";
import { Graph } from "../components/graph";
import { RunRows } from "../components/run-rows";
import { type Mark, Source } from "../components/source";
import { toast } from "../components/toast";
import { Check, Copy, Digest, Empty, ErrorNote, Facts, Loading, Page, Section, sentence, Time } from "../components/ui";
import { duration, percent, plural } from "../lib/format";
import { change, here, href } from "../lib/router";
import { effectWords } from "../lib/words";
import type { ViewProps } from "../routes";
import { recipePath, share, standings } from "./recipes";
import { RunsChart } from "./runs-chart";

export default function RecipeView({ params }: ViewProps) {
  const name = params[0] ?? "";
  const recipe = useData(`recipe ${name}`, (signal) => get("/api/v1/recipes/{name}", { path: { name }, signal }), ["reload", "resync"], true);
  if (recipe.data === undefined || recipe.data.name !== name) {
    return (
      <Page title={name}>
        <ErrorNote error={recipe.error} again={recipe.reload} />
        {recipe.loading && <Loading what="The recipe is looked up" />}
      </Page>
    );
  }
  return <Whole recipe={recipe.data} reload={recipe.reload} />;
}

function Whole({ recipe, reload }: { recipe: RecipeDetail; reload: () => void }) {
  const [pausing, setPausing] = useState(false);
  const served = recipe.source !== "";
  return (
    <Page
      title={recipe.name}
      lead={
        <>
          {recipe.description !== undefined && <p>{sentence(recipe.description)}</p>}
          <p class="tags">
            {standings(recipe, recipe.stats).map(([word, tone]) => (
              <span key={word} class={`tag tone-${tone}`}>
                {word}
              </span>
            ))}
            {Object.entries(recipe.labels ?? {}).map(([label, value]) => (
              <span key={label} class="tag">
                {label}: {value}
              </span>
            ))}
          </p>
        </>
      }
      actions={
        <>
          <a class="button" href={href("/runs", { recipe: recipe.name })}>
            All its runs
          </a>
          {mayOperate() && served && (
            <button type="button" class="button" onClick={() => setPausing(true)}>
              {recipe.paused === undefined ? "Pause…" : "Resume…"}
            </button>
          )}
        </>
      }
    >
      {recipe.draft !== undefined && <DraftNote recipe={recipe} />}
      {recipe.stats.dead === true && (
        <div class="note wait">
          <p>
            <strong>No event has started it for 30 days</strong>, although it has been served all the while. Perhaps the vendor sends no such event any more, or a filter can never hold. An event of its type
            tells why it did not run: <a href={href("/events", { type: recipe.triggers[0]?.events[0] })}>look for one</a>.
          </p>
        </div>
      )}
      {served && <Text recipe={recipe} />}
      <Doing recipe={recipe} />
      <Section title="Its last runs" aside={<a href={href("/runs", { recipe: recipe.name })}>All</a>}>
        {recipe.last_runs.length === 0 ? (
          <Empty title="No run yet">
            <p>A run begins when an event of its trigger comes and its first filters let it through.</p>
          </Empty>
        ) : (
          <RunRows label={`The last runs of ${recipe.name}`} runs={recipe.last_runs} />
        )}
      </Section>
      <Versions versions={recipe.versions} />
      {pausing && <PauseDialog recipe={recipe} onClose={() => setPausing(false)} onDone={reload} />}
    </Page>
  );
}

/** DraftNote shows the text on disk, which was refused. */
function DraftNote({ recipe }: { recipe: RecipeDetail }) {
  const draft = recipe.draft;
  if (draft === undefined) {
    return null;
  }
  const mistakes = draft.diagnostics.filter((one) => one.severity === "error");
  const first = mistakes[0] ?? draft.diagnostics[0];
  return (
    <Section title="On disk, refused" aside={<Time at={draft.at} />} id="draft">
      <div class="note bad">
        <p>
          {mistakes.length === 0 ? (
            <>
              <strong>The folder was refused for another recipe.</strong> This one is as it is on disk below; what is served stays as it is until the whole folder is sound.
            </>
          ) : (
            <>
              <strong>{plural(mistakes.length, "mistake")} in the text on disk.</strong> {recipe.source === "" ? "The recipe is not served." : "What is served below goes on."} It is applied by itself once the file is mended.
            </>
          )}
        </p>
      </div>
      <Source text={draft.source} label={`${recipe.filename} as it is on disk`} marks={marksOf(draft.diagnostics)} focus={first?.line} />
    </Section>
  );
}

/** marksOf puts what the checker says beneath the lines that it is about. */
export function marksOf(diagnostics: Diagnostic[]): Mark[] {
  return diagnostics
    .filter((one) => one.line !== undefined)
    .map((one) => ({ line: one.line ?? 1, tone: one.severity === "error" ? "bad" : "wait", word: one.code ?? one.severity, note: `${one.summary}. ${one.detail}` }));
}

function Text({ recipe }: { recipe: RecipeDetail }) {
  const chosen = here.value.query.get("node") ?? undefined;
  const graph = recipe.graph;
  const nodes = graph === undefined ? [] : [...graph.triggers.map((t, i) => ({ id: `trigger.${i}`, range: t.range })), ...graph.nodes, ...(graph.on_error ?? [])];
  const line = nodes.find((one) => one.id === chosen)?.range.start.line;
  return (
    <div class="run-top">
      {graph !== undefined && (
        <Section title="Graph">
          <Graph graph={graph} selected={chosen} onSelect={(node) => change({ node }, true)} />
        </Section>
      )}
      <Section title="Text" aside={<Copy text={recipe.source} label="Copy the text" />}>
        <p class="file">
          {recipe.filename}
          {recipe.diagnostics.length > 0 && <span class="tag tone-wait">{plural(recipe.diagnostics.length, "warning")}</span>}
        </p>
        <Source
          text={recipe.source}
          label={`Text of ${recipe.name}`}
          marks={marksOf(recipe.diagnostics)}
          focus={line ?? recipe.diagnostics[0]?.line}
          onLine={(at) => {
            const hit = nodes.filter((one) => one.range.filename === recipe.filename && one.range.start.line <= at).at(-1);
            if (hit !== undefined) {
              change({ node: hit.id }, true);
            }
          }}
        />
      </Section>
    </div>
  );
}

function Doing({ recipe }: { recipe: RecipeDetail }) {
  const stats = recipe.stats;
  const value = share(stats);
  const of = `of its newest ${plural(stats.runs, "run")}${stats.more ? "" : ", all there are"}`;
  return (
    <Section title="How it has been doing" aside={stats.runs > 0 && of}>
      <RunsChart since={undefined} until={undefined} recipe={recipe.name} />
      <Facts
        items={[
          ["Succeeded", value === undefined ? undefined : `${percent(value)}: ${plural(stats.completed, "run")} completed, ${stats.failed} failed`],
          ["Stopped by a filter", stats.filtered === 0 ? undefined : plural(stats.filtered, "run")],
          ["Dropped or canceled", stats.skipped + stats.canceled === 0 ? undefined : plural(stats.skipped + stats.canceled, "run")],
          ["Half take at most", stats.completed === 0 ? undefined : duration(stats.p50_ms)],
          ["95% take at most", stats.completed === 0 ? undefined : `${duration(stats.p95_ms)}, without what they waited`],
          ["Last run", stats.last_at === undefined ? "never" : <Time key="last" at={stats.last_at} />],
          ["Served since", stats.served === undefined ? undefined : <Time key="since" at={stats.served} />],
          [
            "Not ended",
            recipe.running + recipe.waiting + recipe.queued === 0 ? undefined : (
              <a key="open" href={href("/waiting", { recipe: recipe.name })}>
                {recipe.running} running, {recipe.waiting} waiting, {recipe.queued} queued
              </a>
            ),
          ],
          ["On older programs", recipe.on_older === undefined ? undefined : `${plural(recipe.on_older, "run")} go on with the text they began with`],
          [
            "Its calls",
            recipe.effects.length === 0 ? undefined : (
              <ul key="effects" class="plain-list">
                {recipe.effects.map((one) => (
                  <li key={one.step}>
                    <a href={`/catalog/${encodeURIComponent(one.action)}`}>{one.action}</a> <span class="quiet">{effectWords(one.effect)}</span>
                  </li>
                ))}
              </ul>
            ),
          ],
          ["Reads", recipe.reads.length === 0 ? undefined : <Paths key="reads" paths={recipe.reads} />],
          ["Calls", recipe.calls === undefined ? undefined : <RecipeLinks key="calls" names={recipe.calls} />],
          ["Called by", recipe.callers === undefined ? undefined : <RecipeLinks key="callers" names={recipe.callers} />],
        ]}
      />
    </Section>
  );
}

function Paths({ paths }: { paths: string[] }) {
  return (
    <>
      {paths.map((path) => (
        <code key={path} class="path">
          {path}
        </code>
      ))}
    </>
  );
}

/** RecipeLinks is names of recipes, each a link. */
export function RecipeLinks({ names }: { names: string[] }) {
  return (
    <>
      {names.map((name, i) => (
        <span key={name}>
          {i > 0 && ", "}
          <a href={recipePath(name)}>{name}</a>
        </span>
      ))}
    </>
  );
}

/** Versions are the texts that it had, each against the one before. */
function Versions({ versions }: { versions: RecipeVersion[] }) {
  const [open, setOpen] = useState<string>();
  if (versions.length === 0) {
    return null;
  }
  const at = versions.findIndex((one) => one.program === open);
  const chosen = versions[at];
  const before = versions[at + 1];
  return (
    <Section title="Versions" aside={plural(versions.length, "text")}>
      <ol class="versions" aria-label="Versions, the newest first">
        {versions.map((one) => (
          <li key={one.program}>
            <button type="button" class="button quiet" aria-expanded={one.program === open} onClick={() => setOpen(one.program === open ? undefined : one.program)}>
              <Digest value={one.program} />
            </button>
            <span>
              first served <Time at={one.at} as="moment" />
            </span>
            {one.current === true && <span class="tag tone-good">served now</span>}
          </li>
        ))}
      </ol>
      {chosen !== undefined && before !== undefined && (
        <>
          <p class="lead">
            What <Digest value={chosen.program} /> changed:
          </p>
          <Diff before={before.source} after={chosen.source} label={`Changes of ${chosen.program}`} />
        </>
      )}
      {chosen !== undefined && before === undefined && <Source text={chosen.source} label="The first text that is known" />}
    </Section>
  );
}

/** PauseDialog stops a recipe from taking events, or lets it take them again, after saying what becomes of them. */
function PauseDialog({ recipe, onClose, onDone }: { recipe: RecipeDetail; onClose: () => void; onDone: () => void }) {
  const [drop, setDrop] = useState(false);
  const { pending, error, run } = usePending();
  const resume = recipe.paused !== undefined;
  return (
    <Confirm
      title={resume ? `Resume ${recipe.name}` : `Pause ${recipe.name}`}
      confirm={resume ? "Resume" : "Pause"}
      danger={drop && !resume}
      pending={pending}
      error={error}
      onClose={onClose}
      onConfirm={() =>
        run(async () => {
          if (resume) {
            const was = await post("/api/v1/recipes/resume", { recipe: recipe.name });
            toast(was.held === 0 ? "It takes events again." : `It takes events again; ${plural(was.held, "held run")} go first.`);
          } else {
            await post("/api/v1/recipes/pause", { recipe: recipe.name, drop });
            toast(drop ? "Paused. Its events are dropped." : "Paused. Its events are held.");
          }
          onClose();
          onDone();
        })
      }
    >
      {resume ? (
        <p>It takes events again. {recipe.queued > 0 && `${plural(recipe.queued, "run")} that were held begin first, in their order.`}</p>
      ) : (
        <>
          <p>It takes no events until it is resumed. Runs that have begun go on. Events are held: each becomes a run that begins when it is resumed.</p>
          <Check label="Drop its events instead" hint="no run comes of them, unless they are replayed one by one" checked={drop} onChange={setDrop} />
        </>
      )}
    </Confirm>
  );
}
