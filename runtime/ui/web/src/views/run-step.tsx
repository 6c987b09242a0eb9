// One step of a run: each attempt, what was sent, what came back; of a gate, what its parts came to.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { post } from "../api/client";
import { mayOperate } from "../api/session";
import type { Attempt, Gate, Node, Run, Step } from "../api/types.gen";
import { usePending } from "../api/use";
import { Confirm } from "../components/dialog";
import { JsonTree } from "../components/json";
import { Status } from "../components/status";
import { toast } from "../components/toast";
import { Facts, Section, sentence, Time } from "../components/ui";
import { duration, moment, whole } from "../lib/format";
import { dueWords, kindWords, stepId } from "../lib/words";
import { GateValues } from "./event-parts";
import { labelOf } from "./run-shape";

interface StepPanelProps {
  run: Run;
  node: Node | undefined;
  chosen: string | undefined;
  gate: Gate | undefined;
  aside: ComponentChildren;
  onSelect: (id: string) => void;
  onResolved: (run: Run) => void;
}

export function StepPanel({ run, node, chosen, gate, aside, onSelect, onResolved }: StepPanelProps) {
  const steps = run.steps ?? [];
  const step = steps.find((one) => stepId(one) === chosen) ?? steps.find((one) => one.address === chosen);
  const elements = steps.filter((one) => one.address === step?.address);
  if (step === undefined) {
    if (gate !== undefined) {
      return (
        <Section title={`Gate: ${node?.name === undefined || node.name === "" ? (node?.id ?? "") : node.name}`}>
          <GateValues gate={gate} open />
        </Section>
      );
    }
    if (node !== undefined) {
      return (
        <Section title={node.name === "" ? node.id : node.name}>
          <p class="lead">{run.status === "running" || run.status === "waiting" ? "It was not begun yet." : "It was not begun: the run ended before, or a gate held it back."}</p>
        </Section>
      );
    }
    return null;
  }
  return (
    <Section title={`Step ${labelOf(step)}`} aside={aside}>
      {elements.length > 1 && (
        <div class="elements" role="group" aria-label="Elements">
          {elements.map((one) => (
            <button key={stepId(one)} type="button" class="chip-button" aria-pressed={one === step} onClick={() => onSelect(stepId(one))}>
              <Status status={one.status} word={one.each ?? ""} />
            </button>
          ))}
        </div>
      )}
      <div class="step-head">
        <Status status={step.status} />
        {step.action !== "" && <a href={`/catalog/${encodeURIComponent(step.action)}`}>{step.action}</a>}
        {step.shadow === true && <span class="tag">recorded, not made</span>}
        {step.child !== undefined && <a href={`/runs/${encodeURIComponent(step.child)}`}>the run it called</a>}
        {step.due_at !== undefined && (
          <time dateTime={step.due_at} title={whole(new Date(step.due_at))}>
            {dueWords(step.due_at)}
          </time>
        )}
      </div>
      {step.error !== undefined && run.error?.step !== step.address && (
        <div class="note bad">
          <p>
            <strong>{kindWords(step.error.kind)}</strong>
            {step.error.status !== undefined && step.error.status !== 0 && `, HTTP ${step.error.status}`}
          </p>
          <p class="message">{sentence(step.error.message)}</p>
        </div>
      )}
      {step.status === "unknown" && mayOperate() && <Resolve run={run} step={step} onResolved={onResolved} />}
      {gate !== undefined && <GateValues gate={gate} />}
      <Attempts attempts={step.attempts ?? []} />
      {(step.action !== "" || step.output !== undefined) && (
        <div class="io">
          {step.action !== "" && <Payload title="Sent" value={step.input} empty="Nothing was sent, or it is not kept any more." />}
          <Payload title="Came back" value={step.output} empty="Nothing came back, or it is not kept any more." />
        </div>
      )}
      <Facts
        items={[
          ["Started", step.started_at === undefined ? undefined : <Time key="started" at={step.started_at} as="moment" />],
          ["Took", step.ended_at === undefined ? undefined : duration(step.duration_ms)],
          ["Idempotency key", step.key === undefined ? undefined : <code key="key">{step.key}</code>],
        ]}
      />
    </Section>
  );
}

function Payload({ title, value, empty }: { title: string; value: Step["input"]; empty: string }) {
  return (
    <div class="io-side">
      <h3>{title}</h3>
      {value === undefined ? <p class="lead">{empty}</p> : <JsonTree value={value} label={title} />}
    </div>
  );
}

function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) {
    return null;
  }
  return (
    <div class="table-box" role="region" aria-label="Attempts" tabIndex={0}>
      <table class="table attempts">
        <thead>
          <tr>
            <th scope="col">Attempt</th>
            <th scope="col">At</th>
            <th scope="col">Took</th>
            <th scope="col">Answer</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt, i) => (
            <tr key={attempt.at}>
              <td class="num">{i + 1}</td>
              <td>
                <time dateTime={attempt.at} title={attempt.at}>
                  {moment(new Date(attempt.at), new Date())}
                </time>
              </td>
              <td class="num">{duration(attempt.duration_ms)}</td>
              <td class="num">{attempt.status === undefined || attempt.status === 0 ? "none" : `HTTP ${attempt.status}`}</td>
              <td>
                {attempt.error === undefined ? (
                  <Status status="done" word="Accepted" />
                ) : (
                  <>
                    <Status status="failed" word={kindWords(attempt.error.kind)} /> <span class="message">{attempt.error.message}</span>
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Resolve settles a step of which nobody knows whether it was done. */
function Resolve({ run, step, onResolved }: { run: Run; step: Step; onResolved: (run: Run) => void }) {
  const [outcome, setOutcome] = useState<"sent" | "resend">();
  const { pending, error, run: act } = usePending();
  return (
    <div class="note wait">
      <p>
        The server stopped while this call was under way, and {step.action} must not be repeated blindly. Look in the service whether it was done, then say so.
      </p>
      <p class="buttons">
        <button type="button" class="button" onClick={() => setOutcome("sent")}>
          It was done…
        </button>
        <button type="button" class="button" onClick={() => setOutcome("resend")}>
          It was not done…
        </button>
      </p>
      {outcome !== undefined && (
        <Confirm
          title={outcome === "sent" ? "It was done" : "It was not done"}
          confirm={outcome === "sent" ? "Go on without this call" : "Make this call again"}
          danger={outcome === "resend"}
          pending={pending}
          error={error}
          onClose={() => setOutcome(undefined)}
          onConfirm={() =>
            act(async () => {
              onResolved(await post("/api/v1/runs/{id}/resolve", { step: step.address, outcome }, { path: { id: run.id } }));
              setOutcome(undefined);
              toast("Settled. The run goes on.");
            })
          }
        >
          <p>
            {outcome === "sent"
              ? `The run goes on as if ${labelOf(step)} had answered. One call is left out, none is made for it.`
              : `${step.action} is called once more for ${labelOf(step)}. If it was done after all, it is done twice.`}
          </p>
        </Confirm>
      )}
    </div>
  );
}
