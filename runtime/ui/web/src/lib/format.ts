// Numbers, sizes, durations and times as people read them. Times are shown in the reader's own zone; the whole moment,
// with its zone, is in the title.

const number = new Intl.NumberFormat("en-GB");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** count writes a number with separators: 12,345. */
export function count(n: number): string {
  return number.format(n);
}

/** plural writes a number and its noun: "1 run", "3 runs". */
export function plural(n: number, one: string, many = one + "s"): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** percent writes a share of 0 to 1. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 99.95 || value < 0.05 ? value.toFixed(0) : value.toFixed(1)}%`;
}

/** bytes writes a size. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024;
    i += 1;
  }
  return `${i === 0 ? n : n.toFixed(1)} ${units[i] ?? ""}`;
}

/** duration writes milliseconds with the two units that matter: 340 ms, 1.2 s, 3 min 5 s, 2 d 4 h. */
export function duration(ms: number): string {
  if (ms < 1) {
    return "<1 ms";
  }
  if (ms < 1000) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < 60_000) {
    return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
  }
  const parts: [number, string][] = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1000, "s"],
  ];
  const first = parts.findIndex(([size]) => ms >= size);
  return parts
    .slice(first, first + 2)
    .map(([size, unit]) => {
      const n = Math.floor(ms / size);
      ms -= n * size;
      return n === 0 ? "" : `${n} ${unit}`;
    })
    .filter((text) => text !== "")
    .join(" ");
}

/** relative says how far a moment is from now: "now", "12 s ago", "in 3 h". */
export function relative(at: number, now: number): string {
  const distance = now - at;
  if (Math.abs(distance) < 1500) {
    return "now";
  }
  const text = coarse(Math.abs(distance));
  return distance > 0 ? `${text} ago` : `in ${text}`;
}

function coarse(ms: number): string {
  if (ms < 60_000) {
    return `${Math.round(ms / 1000)} s`;
  }
  if (ms < 3_600_000) {
    return `${Math.round(ms / 60_000)} min`;
  }
  if (ms < 172_800_000) {
    return `${Math.round(ms / 3_600_000)} h`;
  }
  return `${Math.round(ms / 86_400_000)} d`;
}

/** moment writes a time of the reader's day: 14:05:09, with the date where it is another day. */
export function moment(at: Date, now: Date): string {
  const time = clock.format(at);
  if (at.toDateString() === now.toDateString()) {
    return time;
  }
  return `${at.getFullYear() === now.getFullYear() ? day.format(at) : dayYear.format(at)}, ${time}`;
}

/** minute writes a moment to the minute, with the date where it is another day. */
export function minute(at: Date, now: Date): string {
  return moment(at, now).replace(/:\d\d$/, "");
}

/** whole writes a moment in full, in the reader's zone and in UTC. */
export function whole(at: Date): string {
  return `${dayYear.format(at)}, ${clock.format(at)}.${String(at.getMilliseconds()).padStart(3, "0")} here; ${at.toISOString()}`;
}

/** short is the part of a digest that people compare. */
export function short(digest: string): string {
  return digest.slice(0, 12);
}
