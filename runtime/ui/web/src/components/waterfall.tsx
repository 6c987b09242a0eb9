// Where the time of a run went. Calls take milliseconds and waits take days, so the long stretches in which nothing was
// under way are drawn short, and marked with how long they were.

import { duration } from "../lib/format";
import { Glyph, lookOf } from "./status";

export interface Bar {
  id: string;
  label: string;
  kind: string; // small, after the label: the action
  status: string;
  from: number; // milliseconds since 1970
  to: number;
  idle: boolean; // it waits
  attempts: { from: number; to: number; failed: boolean }[];
}

interface Scale {
  at: (time: number) => number; // 0 to 100
  cuts: { at: number; width: number; gap: number }[];
}

interface WaterfallProps {
  bars: Bar[];
  selected: string | undefined;
  onSelect: (id: string) => void;
}

export function Waterfall({ bars, selected, onSelect }: WaterfallProps) {
  const scale = scaleOf(bars);
  const first = Math.min(...bars.map((bar) => bar.from));
  return (
    <div class="waterfall">
      <ul aria-label="Steps and how long they took">
        {bars.map((bar) => {
          const left = scale.at(bar.from);
          const width = Math.max(scale.at(bar.to) - left, 0.4);
          const took = bar.to - bar.from;
          return (
            <li key={bar.id}>
              <button type="button" class="wf-row" aria-pressed={selected === bar.id} onClick={() => onSelect(bar.id)}>
                <span class="wf-label">
                  <Glyph status={bar.status} />
                  <span class="wf-name">{bar.label}</span>
                  <span class="wf-kind">{bar.kind}</span>
                  <span class="hidden">, {lookOf(bar.status).label}</span>
                </span>
                <span class="wf-lane" aria-hidden="true">
                  {scale.cuts.map((cut) => (
                    <span key={cut.at} class="wf-cut" style={{ left: `${cut.at}%`, width: `${cut.width}%` }} />
                  ))}
                  <span class={`wf-bar tone-${lookOf(bar.status).tone}${bar.idle ? " idle" : ""}`} style={{ left: `${left}%`, width: `${width}%` }} />
                  {bar.attempts.map((attempt, i) => (
                    <span
                      key={i}
                      class={attempt.failed ? "wf-attempt failed" : "wf-attempt"}
                      style={{ left: `${scale.at(attempt.from)}%`, width: `${Math.max(scale.at(attempt.to) - scale.at(attempt.from), 0.4)}%` }}
                    />
                  ))}
                </span>
                <span class="wf-took num">{took > 0 || bar.status === "done" ? duration(took) : ""}</span>
              </button>
            </li>
          );
        })}
      </ul>
      <div class="wf-axis" aria-hidden="true">
        <span class="wf-axis-lane">
          {scale.cuts.map((cut) => (
            <span key={cut.at} class="wf-gap" style={{ left: `${cut.at + cut.width / 2}%` }}>
              {duration(cut.gap)}
            </span>
          ))}
          <span class="wf-start">0</span>
          <span class="wf-end">{duration(Math.max(...bars.map((bar) => bar.to)) - first)}</span>
        </span>
      </div>
    </div>
  );
}

/** scaleOf maps times to places. Stretches in which something is under way keep their proportions, and so do short ones
 * between them; one that is longer than three times all the work is cut to the length of the work. */
function scaleOf(bars: Bar[]): Scale {
  const busy = bars
    .flatMap((bar) => {
      const ends = [
        { from: bar.from, to: bar.from },
        { from: bar.to, to: bar.to },
      ];
      return bar.attempts.length > 0 ? [...bar.attempts, ...ends] : bar.idle ? ends : [bar];
    })
    .map(({ from, to }) => ({ from, to: Math.max(from, to) }))
    .sort((a, b) => a.from - b.from);
  const spans: { from: number; to: number; busy: boolean }[] = [];
  for (const one of busy) {
    const last = spans[spans.length - 1];
    if (last === undefined) {
      spans.push({ ...one, busy: true });
    } else if (one.from <= last.to) {
      last.to = Math.max(last.to, one.to);
    } else {
      spans.push({ from: last.to, to: one.from, busy: false }, { ...one, busy: true });
    }
  }
  const work = Math.max(spans.reduce((sum, span) => sum + (span.busy ? span.to - span.from : 0), 0), 1);
  const idle = (span: { from: number; to: number; busy: boolean }): boolean => !span.busy && span.to - span.from > 3 * work;
  const weights = spans.map((span) => (idle(span) ? work : span.to - span.from));
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  const cuts: Scale["cuts"] = [];
  const starts: number[] = [];
  let place = 0;
  spans.forEach((span, i) => {
    const width = ((weights[i] ?? 0) / total) * 100;
    starts.push(place);
    if (idle(span)) {
      cuts.push({ at: place, width, gap: span.to - span.from });
    }
    place += width;
  });
  return {
    cuts,
    at: (time) => {
      const i = spans.findIndex((span) => time <= span.to);
      const span = spans[i];
      if (span === undefined) {
        return 100;
      }
      const share = span.to === span.from ? 0 : Math.min(Math.max((time - span.from) / (span.to - span.from), 0), 1);
      return (starts[i] ?? 0) + (share * (weights[i] ?? 0) * 100) / total;
    },
  };
}
