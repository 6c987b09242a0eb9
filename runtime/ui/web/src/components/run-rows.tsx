// Runs as rows, wherever they are listed.

import type { Run } from "../api/types.gen";
import { duration } from "../lib/format";
import { narrow } from "../lib/media";
import { ended, standing } from "../lib/words";
import { type Column, Rows } from "./rows";
import { Status } from "./status";
import { Since, Time } from "./ui";

const columns: Column<Run>[] = [
  { head: "Recipe", class: "at-recipe", cell: (run) => run.recipe },
  { head: "Outcome", class: "at-status", cell: (run) => <Status status={run.status} /> },
  { head: "Event", class: "at-event", cell: (run) => <span title={run.event_id}>{run.event_type}</span> },
  {
    head: "Why",
    class: "at-why",
    cell: (run) => (
      <span class={run.status === "failed" ? "why bad" : "why"} title={standing(run)}>
        {run.replay_of !== undefined && <span class="tag">replay</span>}
        {(run.retries ?? 0) > 0 && <span class="tag">retried</span>}
        {run.shadow === true && <span class="tag">shadow</span>}
        {standing(run) || (narrow.value ? run.event_type : "")}
      </span>
    ),
  },
  { head: "Started", class: "at-time", cell: (run) => <Time at={run.started_at} /> },
  {
    head: "Took",
    class: "at-took num",
    cell: (run) => (ended(run.status) ? duration(run.duration_ms) : <Since at={run.started_at} />),
  },
];

interface RunRowsProps {
  label: string;
  runs: Run[];
  more?: boolean;
  onMore?: () => void;
}

export function RunRows({ label, runs, more = false, onMore = () => undefined }: RunRowsProps) {
  return (
    <Rows
      label={label}
      layout="run-rows"
      rows={runs}
      columns={columns}
      id={(run) => run.id}
      link={(run) => `/runs/${encodeURIComponent(run.id)}`}
      height={{ wide: 36, narrow: 84 }}
      more={more}
      onMore={onMore}
    />
  );
}
