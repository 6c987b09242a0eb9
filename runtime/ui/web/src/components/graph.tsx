// A recipe's graph as SVG. What stands where is found by dagre; forms are those of `flowrun graph`: triggers are round,
// gates have cut corners, steps are square. Each node is a button that says how it stands.

import dagre from "@dagrejs/dagre";
import { useEffect, useMemo, useRef } from "preact/hooks";

import type { Graph as GraphData, Node } from "../api/types.gen";
import { glyphPath, lookOf } from "./status";

export interface GraphProps {
  graph: GraphData;
  states?: Map<string, string>; // status by id of a node; a trigger's is "trigger.0"
  selected?: string | undefined;
  onSelect?: (id: string) => void;
}

interface Box {
  id: string;
  kind: string;
  title: string;
  detail: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const widest = 260;
const beside = 48; // pixels of a box that are not text
const fonts = { title: "560 13px ", detail: "11.5px " };

// Texts are measured as the browser will draw them, so that boxes fit and what is too long is cut.
const canvas = document.createElement("canvas").getContext("2d");

function widthOf(text: string, font: keyof typeof fonts): number {
  if (canvas === null) {
    return text.length * 8;
  }
  canvas.font = fonts[font] + getComputedStyle(document.documentElement).fontFamily;
  return canvas.measureText(text).width;
}

function titleOf(node: Node): string {
  if (node.name !== "") {
    return node.name;
  }
  return node.condition ?? node.on ?? node.id;
}

function detailOf(node: Node): string {
  if (node.wait !== undefined) {
    const wait = node.wait;
    return wait.for !== undefined ? `wait for ${wait.for}` : wait.until !== undefined ? "wait until a time" : `wait for ${wait.event ?? "an event"}`;
  }
  if (node.kind === "action") {
    return (node.for_each === undefined ? "" : "each · ") + (node.action ?? "");
  }
  return node.kind;
}

function cut(text: string, font: keyof typeof fonts, width: number): string {
  const room = width - beside;
  if (widthOf(text, font) <= room) {
    return text;
  }
  let most = text.length - 1;
  while (most > 1 && widthOf(text.slice(0, most) + "…", font) > room) {
    most -= 1;
  }
  return text.slice(0, most) + "…";
}

/** lay finds the places of nodes and the courses of arrows. */
function lay(graph: GraphData) {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 30, marginx: 12, marginy: 12 });
  g.setDefaultEdgeLabel(() => ({}));
  const known = new Map<string, { kind: string; title: string; detail: string }>();
  graph.triggers.forEach((trigger, i) => known.set(`trigger.${i}`, { kind: "trigger", title: trigger.name, detail: trigger.events.join(", ") }));
  for (const node of [...graph.nodes, ...(graph.on_error ?? [])]) {
    known.set(node.id, { kind: node.kind, title: titleOf(node), detail: detailOf(node) });
  }
  for (const edge of graph.edges) {
    if (edge.from === "on_error") {
      known.set("on_error", { kind: "trigger", title: "the run has failed", detail: "on_error" });
    }
  }
  for (const [id, { title, detail }] of known) {
    const width = Math.min(Math.ceil(Math.max(widthOf(title, "title"), widthOf(detail, "detail"))) + beside, widest);
    g.setNode(id, { width, height: 44 });
  }
  for (const edge of graph.edges) {
    if (known.has(edge.from) && known.has(edge.to)) {
      g.setEdge(edge.from, edge.to);
    }
  }
  dagre.layout(g);
  const boxes: Box[] = [...known].map(([id, texts]) => ({ id, ...texts, ...(g.node(id) as { x: number; y: number; width: number; height: number }) }));
  const arrows = graph.edges.flatMap((edge) => {
    if (!g.hasEdge(edge.from, edge.to)) {
      return [];
    }
    const { points } = g.edge(edge.from, edge.to) as { points: { x: number; y: number }[] };
    return [{ ...edge, points }];
  });
  const size = g.graph() as { width?: number; height?: number };
  return { boxes, arrows, width: Math.ceil(size.width ?? 0), height: Math.ceil(size.height ?? 0) };
}

export function Graph({ graph, states = new Map(), selected, onSelect }: GraphProps) {
  const { boxes, arrows, width, height } = useMemo(() => lay(graph), [graph]);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = boxes.find((one) => one.id === selected);
    if (frame.current !== null && box !== undefined) {
      frame.current.scrollTop = box.y - frame.current.clientHeight / 2;
      frame.current.scrollLeft = box.x - frame.current.clientWidth / 2;
    }
  }, [boxes, selected]);
  return (
    <div ref={frame} class="graph" role="group" aria-label={`Graph of ${graph.recipe}`} tabIndex={0}>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0 0.5L7 4L0 7.5z" />
          </marker>
        </defs>
        {arrows.map((arrow) => {
          const middle = arrow.points[Math.floor(arrow.points.length / 2)];
          return (
            <g key={`${arrow.from} ${arrow.to} ${arrow.kind}`} class={`edge edge-${arrow.kind}`}>
              <path d={course(arrow.points)} marker-end="url(#arrow)" />
              {arrow.label !== undefined && middle !== undefined && (
                <text x={middle.x + 6} y={middle.y + 4}>
                  {arrow.label}
                </text>
              )}
            </g>
          );
        })}
        {boxes.map((box) => (
          <NodeBox key={box.id} box={box} status={states.get(box.id)} selected={selected === box.id} onSelect={onSelect} />
        ))}
      </svg>
    </div>
  );
}

function NodeBox({ box, status, selected, onSelect }: { box: Box; status: string | undefined; selected: boolean; onSelect: ((id: string) => void) | undefined }) {
  const look = status === undefined ? undefined : lookOf(status);
  const tone = look === undefined ? "" : ` tone-${look.tone}`;
  const words = `${box.title} ${box.detail}${look === undefined ? "" : `, ${look.label}`}`;
  const acts =
    onSelect === undefined
      ? { role: "img" as const, "aria-label": words }
      : {
          role: "button" as const,
          tabIndex: 0,
          "aria-pressed": selected,
          onClick: () => onSelect(box.id),
          onKeyDown: (event: KeyboardEvent) => {
            if (event.key === "Enter" || event.key === " ") {
              event.preventDefault();
              onSelect(box.id);
            }
          },
        };
  return (
    <g class={`node node-${box.kind}${tone}${selected ? " selected" : ""}${status === undefined ? "" : " stated"}`} transform={`translate(${box.x - box.width / 2} ${box.y - box.height / 2})`} {...acts}>
      <path class="node-box" d={outline(box)} />
      {look !== undefined && status !== undefined && (
        <svg x={10} y={14} width={16} height={16} viewBox="0 0 16 16" class="node-glyph">
          <path d={glyphPath(status)} />
        </svg>
      )}
      <text class="node-title" x={look === undefined ? 14 : 34} y={19}>
        {cut(box.title, "title", box.width)}
      </text>
      <text class="node-detail" x={look === undefined ? 14 : 34} y={34}>
        {" "}
        {cut(box.detail, "detail", box.width)}
      </text>
      {look !== undefined && <text class="node-state">, {look.label}</text>}
    </g>
  );
}

function outline({ kind, width: w, height: h }: Box): string {
  if (kind === "filter" || kind === "switch") {
    const c = 9;
    return `M${c} 0H${w - c}L${w} ${c}V${h - c}L${w - c} ${h}H${c}L0 ${h - c}V${c}Z`;
  }
  const r = kind === "trigger" ? h / 2 : kind === "wait" ? 12 : 4;
  return `M${r} 0H${w - r}A${r} ${r} 0 0 1 ${w} ${r}V${h - r}A${r} ${r} 0 0 1 ${w - r} ${h}H${r}A${r} ${r} 0 0 1 0 ${h - r}V${r}A${r} ${r} 0 0 1 ${r} 0Z`;
}

function course(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (first === undefined) {
    return "";
  }
  let d = `M${first.x} ${first.y}`;
  for (let i = 0; i < rest.length; i += 1) {
    const point = rest[i];
    const after = rest[i + 1];
    if (point === undefined) {
      break;
    }
    d += after === undefined ? `L${point.x} ${point.y}` : `Q${point.x} ${point.y} ${(point.x + after.x) / 2} ${(point.y + after.y) / 2}`;
  }
  return d;
}
