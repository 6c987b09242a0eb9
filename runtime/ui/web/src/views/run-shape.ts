// From the records of a run to what is drawn of it.

import type { Gate, Graph, Node, Run, Step } from "../api/types.gen";
import type { Mark } from "../components/source";
import { lookOf } from "../components/status";
import type { Bar } from "../components/waterfall";
import { ended, stepId } from "../lib/words";

/** nodesOf are all nodes of a graph, those of on_error last. */
export function nodesOf(graph: Graph | undefined): Node[] {
  return graph === undefined ? [] : [...graph.nodes, ...(graph.on_error ?? [])];
}

/** linesOf says at which line each trigger and node begins, in the order of the lines. */
export function linesOf(graph: Graph): [string, number][] {
  const lines: [string, number][] = [
    ...graph.triggers.map((trigger, i): [string, number] => [`trigger.${i}`, trigger.range.start.line]),
    ...nodesOf(graph).map((node): [string, number] => [node.id, node.range.start.line]),
  ];
  return lines.sort((a, b) => a[1] - b[1]);
}

/** gatesByNode finds for each gate the block that its condition stands in. */
export function gatesByNode(graph: Graph | undefined, gates: Gate[]): Map<string, Gate> {
  const out = new Map<string, Gate>();
  if (graph === undefined) {
    return out;
  }
  const lines = linesOf(graph);
  for (const gate of gates) {
    const block = lines.findLast(([, line]) => line <= gate.line);
    if (block !== undefined) {
      out.set(block[0], gate);
    }
  }
  return out;
}

const worst = ["failed", "unknown", "intent", "waiting", "done", "skipped"];

/** statesOf says how each node stands: a step that is repeated, as the worst of its elements. */
export function statesOf(run: Run, graph: Graph | undefined, gates: Map<string, Gate>): Map<string, string> {
  const states = new Map<string, string>();
  for (const node of nodesOf(graph)) {
    states.set(node.id, node.id.startsWith("on_error.") && run.status !== "failed" ? "" : "pending");
  }
  for (const [id, gate] of gates) {
    if (!id.startsWith("trigger.")) {
      states.set(id, gate.passed ? "passed" : "stopped");
    }
  }
  for (const step of run.steps ?? []) {
    const known = states.get(step.address);
    if (known === undefined || !worst.includes(known) || worst.indexOf(step.status) < worst.indexOf(known)) {
      states.set(step.address, step.status);
    }
  }
  for (const [id, state] of states) {
    if (state === "") {
      states.delete(id);
    }
  }
  graph?.triggers.forEach((trigger, i) => {
    if (trigger.events.includes(run.event_type) || trigger.events.includes("*")) {
      states.set(`trigger.${i}`, "done");
    }
  });
  return states;
}

/** marksOf marks the lines that tell how the run stands: the one that failed first, or those that are under way. */
export function marksOf(graph: Graph, states: Map<string, string>, run: Run): Mark[] {
  const telling = ["failed", "unknown", "intent", "waiting", "stopped"];
  return nodesOf(graph)
    .flatMap((node): Mark[] => {
      const state = states.get(node.id);
      if (state === undefined || state === "pending" || state === "passed") {
        return [];
      }
      const mark: Mark = { line: node.range.start.line, tone: lookOf(state).tone, word: lookOf(state).label };
      const error = run.steps?.find((step) => step.address === node.id && step.error !== undefined)?.error;
      return [state === "failed" && error !== undefined ? { ...mark, note: error.message } : mark];
    })
    .sort((a, b) => rank(telling, a.word) - rank(telling, b.word));
}

function rank(telling: string[], word: string | undefined): number {
  const i = telling.findIndex((state) => lookOf(state).label === word);
  return i === -1 ? telling.length : i;
}

/** awaitedBy names the events that a run waits for; empty where it waits for none. */
export function awaitedBy(run: Run, graph: Graph | undefined): string {
  const waiting = new Set((run.steps ?? []).filter((step) => step.status === "waiting").map((step) => step.address));
  return nodesOf(graph)
    .flatMap((node) => (waiting.has(node.id) && node.wait?.event !== undefined ? [node.wait.event] : []))
    .join(", ");
}

/** barsOf are the steps of a run as they are drawn over time. */
export function barsOf(run: Run): Bar[] {
  const until = run.ended_at === undefined ? Date.now() : Date.parse(run.ended_at);
  return (run.steps ?? [])
    .flatMap((step): Bar[] => {
      const attempts = (step.attempts ?? []).map((attempt) => {
        const from = Date.parse(attempt.at);
        return { from, to: from + attempt.duration_ms, failed: attempt.error !== undefined };
      });
      const from = step.started_at === undefined ? attempts[0]?.from : Date.parse(step.started_at);
      if (from === undefined) {
        return [];
      }
      const last = attempts[attempts.length - 1]?.to ?? from;
      const to = step.ended_at === undefined ? (ended(run.status) ? last : until) : Date.parse(step.ended_at);
      return [
        {
          id: stepId(step),
          label: labelOf(step),
          kind: step.action === "" ? "wait" : step.action,
          status: step.status,
          from,
          to: Math.max(to, last),
          idle: step.action === "",
          attempts,
        },
      ];
    })
    .sort((a, b) => a.from - b.from);
}

/** labelOf is a step's name without the word that says what it is. */
export function labelOf(step: Step): string {
  const name = step.address.replace(/^(on_error\.)?(action|wait)\./, "$1");
  return step.each === undefined ? name : `${name} [${step.each}]`;
}
