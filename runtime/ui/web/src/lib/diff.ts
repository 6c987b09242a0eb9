// What changed between two texts, line by line: the shortest way from one to the other, as Myers found it, with the lines
// that stay shown around each change only.

export interface DiffLine {
  kind: "same" | "gone" | "added" | "fold";
  text: string; // of a fold: how many lines it stands for
  before?: number; // number of the line, from 1
  after?: number;
}

const around = 3; // lines that stay, on either side of a change

/** diff returns the lines of both texts. */
export function diff(before: string, after: string): DiffLine[] {
  return fold(walk(split(before), split(after)));
}

function split(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

function walk(a: string[], b: string[]): DiffLine[] {
  const n = a.length;
  const m = b.length;
  const most = n + m;
  const reach = new Map<number, number>([[1, 0]]); // how far along a each diagonal has come
  const steps: Map<number, number>[] = [];
  search: for (let d = 0; d <= most; d += 1) {
    steps.push(new Map(reach));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? 0) < (reach.get(k + 1) ?? 0));
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < n && y < m && a[x] === b[y]) {
        x += 1;
        y += 1;
      }
      reach.set(k, x);
      if (x >= n && y >= m) {
        break search;
      }
    }
  }
  const out: DiffLine[] = [];
  let x = n;
  let y = m;
  for (let d = steps.length - 1; d >= 0; d -= 1) {
    const at = steps[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && (at.get(k - 1) ?? 0) < (at.get(k + 1) ?? 0));
    const from = down ? k + 1 : k - 1;
    const fromX = at.get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      out.push({ kind: "same", text: a[x - 1] ?? "", before: x, after: y });
      x -= 1;
      y -= 1;
    }
    if (d === 0) {
      break;
    }
    if (down) {
      out.push({ kind: "added", text: b[y - 1] ?? "", after: y });
      y -= 1;
    } else {
      out.push({ kind: "gone", text: a[x - 1] ?? "", before: x });
      x -= 1;
    }
  }
  return out.reverse();
}

/** fold takes out the lines that are far from any change. */
function fold(lines: DiffLine[]): DiffLine[] {
  const near = new Set<number>();
  lines.forEach((line, i) => {
    if (line.kind !== "same") {
      for (let at = i - around; at <= i + around; at += 1) {
        near.add(at);
      }
    }
  });
  const out: DiffLine[] = [];
  let hidden = 0;
  const close = (): void => {
    if (hidden > 0) {
      out.push({ kind: "fold", text: String(hidden) });
      hidden = 0;
    }
  };
  lines.forEach((line, i) => {
    if (near.has(i)) {
      close();
      out.push(line);
    } else {
      hidden += 1;
    }
  });
  close();
  return out;
}
