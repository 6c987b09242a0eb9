// Counts per outcome over time, as stacked bars. Small: it shows when something began, and leads there by a click.

import { count, minute } from "../lib/format";
import { lookOf } from "./status";

export interface Bucket {
  at: string; // its beginning
  counts: Record<string, number>;
}

interface ChartProps {
  buckets: Bucket[];
  step: number; // milliseconds of a bucket
  order: string[]; // statuses from the bottom up
  onPick: (since: string, until: string) => void;
}

const height = 56;

export function Chart({ buckets, step, order, onPick }: ChartProps) {
  const totals = new Map<string, number>();
  let highest = 1;
  for (const bucket of buckets) {
    let sum = 0;
    for (const status of order) {
      const n = bucket.counts[status] ?? 0;
      totals.set(status, (totals.get(status) ?? 0) + n);
      sum += n;
    }
    highest = Math.max(highest, sum);
  }
  const first = buckets[0];
  const last = buckets[buckets.length - 1];
  if (first === undefined || last === undefined) {
    return null;
  }
  const present = order.filter((status) => (totals.get(status) ?? 0) > 0);
  const summary = present.map((status) => `${count(totals.get(status) ?? 0)} ${lookOf(status).label.toLowerCase()}`).join(", ");
  const width = 100 / buckets.length;
  const now = new Date();
  return (
    <figure class="chart">
      <svg viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" role="img" aria-label={summary === "" ? "No runs in this time" : `Runs over time: ${summary}`}>
        <line x1="0" x2="100" y1={height - 0.5} y2={height - 0.5} class="chart-base" />
        {buckets.map((bucket, i) => {
          let top = height - 1;
          const end = new Date(Date.parse(bucket.at) + step);
          const parts = order.filter((status) => (bucket.counts[status] ?? 0) > 0);
          const words = parts.map((status) => `${count(bucket.counts[status] ?? 0)} ${lookOf(status).label.toLowerCase()}`).join(", ");
          return (
            <g key={bucket.at} class="chart-bucket" onClick={() => onPick(bucket.at, end.toISOString())}>
              <title>{`${minute(new Date(bucket.at), now)} to ${minute(end, now)}: ${words === "" ? "none" : words}`}</title>
              <rect class="chart-hit" x={i * width} y={0} width={width} height={height} />
              {parts.map((status) => {
                const tall = Math.max(((bucket.counts[status] ?? 0) / highest) * (height - 4), 1.5);
                top -= tall;
                return <rect key={status} class={`chart-bar status-${status}`} x={i * width + width * 0.12} y={top} width={width * 0.76} height={tall} />;
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span class="chart-from">{minute(new Date(first.at), now)}</span>
        <span class="legend">
          {present.map((status) => (
            <span key={status} class="legend-item">
              <span class={`swatch status-${status}`} aria-hidden="true" />
              {lookOf(status).label} <b class="num">{count(totals.get(status) ?? 0)}</b>
            </span>
          ))}
          {present.length === 0 && <span>No runs in this time</span>}
        </span>
        <span class="chart-to">now</span>
      </figcaption>
    </figure>
  );
}
