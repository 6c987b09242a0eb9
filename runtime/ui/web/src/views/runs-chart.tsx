// How runs ended over time, above their list. It shows the time that the list is filtered to, or the last day.

import { get } from "../api/client";
import { useData } from "../api/use";
import { Chart } from "../components/chart";
import { change } from "../lib/router";

const order = ["completed", "filtered", "skipped", "canceled", "queued", "waiting", "running", "failed"];

interface RunsChartProps {
  since: string | undefined;
  until: string | undefined;
  recipe: string | undefined;
}

export function RunsChart({ since, until, recipe }: RunsChartProps) {
  const from = since ?? "24h";
  const stats = useData(
    `stats ${from} ${until} ${recipe}`,
    (signal) => get("/api/v1/stats", { query: { since: from, until, recipe }, signal }),
    until === undefined ? ["run", "missed", "resync"] : [],
    true,
  );
  if (stats.data === undefined) {
    return <div class="chart placeholder" aria-hidden="true" />;
  }
  return (
    <Chart
      buckets={stats.data.buckets.map((bucket) => ({ at: bucket.at, counts: bucket.runs }))}
      step={stats.data.bucket_ms}
      order={order}
      onPick={(start, end) => change({ since: start, until: end })}
    />
  );
}
