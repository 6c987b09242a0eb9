// How runs and steps stand: a form, a colour and a word, so that none of them is needed alone.

export type Tone = "good" | "bad" | "wait" | "live" | "off";

interface Look {
  label: string;
  tone: Tone;
  glyph: keyof typeof glyphs;
}

const glyphs = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4.5 4.5l7 7m0-7l-7 7",
  clock: "M8 4.5V8l2.5 2M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11",
  going: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  line: "M4 5h8M4 8h8M4 11h5",
  stop: "M4 8h8",
  slash: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 11.8l7.6-7.6",
  unknown: "M6 6a2 2 0 1 1 3 1.8c-.7.4-1 .8-1 1.7M8 12v.2",
  ring: "M8 3.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9",
} as const;

const looks: Record<string, Look> = {
  completed: { label: "Completed", tone: "good", glyph: "check" },
  failed: { label: "Failed", tone: "bad", glyph: "cross" },
  waiting: { label: "Waiting", tone: "wait", glyph: "clock" },
  running: { label: "Running", tone: "live", glyph: "going" },
  queued: { label: "Queued", tone: "wait", glyph: "line" },
  filtered: { label: "Filtered", tone: "off", glyph: "stop" },
  skipped: { label: "Skipped", tone: "off", glyph: "slash" },
  canceled: { label: "Canceled", tone: "off", glyph: "slash" },
  done: { label: "Done", tone: "good", glyph: "check" },
  intent: { label: "Under way", tone: "live", glyph: "going" },
  unknown: { label: "Outcome unknown", tone: "bad", glyph: "unknown" },
  passed: { label: "Passed", tone: "good", glyph: "check" },
  stopped: { label: "Stopped here", tone: "off", glyph: "stop" },
  pending: { label: "Not begun", tone: "off", glyph: "ring" },
};

/** lookOf says how a status is shown. */
export function lookOf(status: string): Look {
  return looks[status] ?? { label: status, tone: "off", glyph: "ring" };
}

/** runStatuses are those of runs, in the order in which they are offered. */
export const runStatuses = ["failed", "running", "waiting", "queued", "completed", "filtered", "skipped", "canceled"];

/** Glyph is the form alone, for where the word stands beside it. */
export function Glyph({ status }: { status: string }) {
  const look = lookOf(status);
  return (
    <svg class={`glyph tone-${look.tone}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={glyphs[look.glyph]} />
    </svg>
  );
}

/** glyphPath is the form as a path in a box of 16 by 16, for graphs. */
export function glyphPath(status: string): string {
  return glyphs[lookOf(status).glyph];
}

/** Status is a status with its form and word. */
export function Status({ status, word }: { status: string; word?: string }) {
  const look = lookOf(status);
  return (
    <span class={`status tone-${look.tone}`}>
      <Glyph status={status} />
      {word ?? look.label}
    </span>
  );
}
