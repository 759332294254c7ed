/* Sagas: what is under way and where it stands, what is parked, and how each kind goes. */
import { useEffect } from "preact/hooks";
import type { Json, Row } from "../api";
import { useGet } from "../data";
import { moment, number, systemName, t, tr } from "../i18n";
import { sagaCounts, watch } from "../metrics";
import { labelOf, nameOf } from "../names";
import { Await, Button, Card, Empty, Named, PageHead, Said } from "../ui/basics";
import { act } from "../ui/toast";

interface StepInfo {
  name: string;
  command: string;
  done: string | null;
  undo: string | null;
}

interface SagaType {
  type: string;
  steps: StepInfo[];
}

interface Saga {
  type: string;
  id: number;
  phase: string;
  step: string | null;
  parked: boolean;
  started: string | null;
  since: string | null;
  reason: string | null;
  data: Row;
}

function read(data: Json): { sagas: Saga[]; types: SagaType[] } {
  const hal = data as unknown as { _embedded: { sagas: Saga[] }; types?: SagaType[] };
  return { sagas: hal._embedded.sagas, types: hal.types ?? [] };
}

/* Its steps in a row: done, here, to come; from right to left while it is undone. */
function Picture({ steps, saga }: { steps: readonly StepInfo[]; saga?: Saga }) {
  const at = saga === undefined ? -1 : saga.step === null ? steps.length : steps.findIndex((step) => step.name === saga.step);
  const back = saga !== undefined && saga.phase !== "forward";
  const stateOf = (i: number) => {
    if (saga === undefined) return "idle";
    if (i === at) return saga.parked ? "parked" : back ? "undoing" : "here";
    if (i < at) return "past";
    return back ? "undone" : "later";
  };
  const words = { idle: "", past: "✓", here: "…", parked: "!", undoing: "↩", undone: "↩", later: "" } as const;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={tr(["Steps", "단계"])}>
    <ol class="saga" data-back={back}>
      {steps.map((step, i) => (
        <li key={step.name} class={stateOf(i)} aria-current={i === at ? "step" : undefined}>
          <span class="saga-dot" aria-hidden="true">
            {words[stateOf(i)] || i + 1}
          </span>
          <span class="saga-name">
            <Named kind="step" name={step.name} short />
          </span>
          <span class="saga-note">{step.done && <Named kind="event" name={step.done} system={step.command.split(".")[0]} short />}</span>
          {step.undo && (
            <span class="saga-undo" title={step.undo}>
              ↩ {nameOf("command", step.undo.split(".").pop() ?? "")}
            </span>
          )}
        </li>
      ))}
    </ol>
    </div>
  );
}

/* In Korean its system stands before it: several have one of that kind. */
function SagaName({ type }: { type: string }) {
  return (
    <>
      {labelOf("saga", type) !== null && `${systemName(type.split(".")[0] ?? "")}: `}
      <Named kind="saga" name={type} />
    </>
  );
}

function UnderWay({ saga, steps }: { saga: Saga; steps: readonly StepInfo[] }) {
  const path = `/sagas/${saga.type}/${saga.id}`;
  return (
    <li class={`saga-card${saga.parked ? " parked" : ""}`} data-saga={`${saga.type}/${saga.id}`} data-parked={saga.parked}>
      <div class="row spread">
        <p class="row">
          <strong>
            <SagaName type={saga.type} />
          </strong>{" "}
          <span class="faint">#{saga.id}</span>
          <span class={`badge ${saga.parked ? "bad" : saga.phase === "forward" ? "busy" : "wait"}`}>
            {saga.parked ? tr(["Parked", "멈춤"]) : saga.phase === "forward" ? tr(["Going on", "진행 중"]) : tr(["Being undone", "되돌리는 중"])}
          </span>
        </p>
        {saga.parked && (
          <div class="row">
            <Button kind="main" small id="retry" onClick={() => act({ method: "POST", path: `${path}/retry` }, tr(["It tries again", "다시 시도합니다"]))}>
              {tr(["Retry", "다시 시도"])}
            </Button>
            <Button kind="danger" small id="skip" onClick={() => act({ method: "POST", path: `${path}/skip` }, tr(["The step is left out", "단계를 건너뜁니다"]))}>
              {tr(["Skip the step", "단계 건너뛰기"])}
            </Button>
          </div>
        )}
      </div>
      {saga.reason && <p class={saga.parked ? "bad-text" : "faint"}><Said text={saga.reason} /></p>}
      {saga.since && <p class="faint">{tr(["here since {when}", "{when}부터"], { when: moment(saga.since) })}</p>}
      <Picture steps={steps} saga={saga} />
    </li>
  );
}

export function Sagas() {
  useEffect(() => watch(false), []);
  const shown = useGet("/sagas", read);
  return (
    <>
      <PageHead
        title={t("sagas")}
        lead={tr([
          "Work that several must agree to, step by step. It always ends: done, or undone backwards. What cannot go on is parked here, never dropped.",
          "여러 곳이 함께 동의해야 하는 일을 단계별로 진행합니다. 항상 완료되거나 거꾸로 되돌려집니다. 더 나아갈 수 없으면 사라지지 않고 여기서 기다립니다.",
        ])}
      />
      <Await shown={shown}>
        {({ sagas, types }) => {
          const steps = new Map(types.map((one) => [one.type, one.steps]));
          const sorted = [...sagas].sort((a, b) => Number(b.parked) - Number(a.parked));
          return (
            <>
              <Card title={tr(["Under way", "진행 중"])} id="under-way">
                {sorted.length === 0 ? (
                  <Empty title={tr(["All have ended. That is how it should be.", "모두 끝났습니다. 정상입니다."])} />
                ) : (
                  <ul class="stack">
                    {sorted.slice(0, 100).map((saga) => (
                      <UnderWay key={`${saga.type}/${saga.id}`} saga={saga} steps={steps.get(saga.type) ?? []} />
                    ))}
                  </ul>
                )}
                {sorted.length > 100 && <p class="faint">{t("entries", { n: number(sorted.length) })}</p>}
              </Card>
              <Card title={tr(["How each kind goes", "종류별 진행 단계"])} id="kinds">
                <ul class="stack wide">
                  {types.map((one) => {
                    const running = ["forward", "undoing", "refusing", "late"].reduce((sum, phase) => sum + (sagaCounts.value.get(`${one.type}/${phase}`) ?? 0), 0);
                    return (
                      <li key={one.type} data-kind={one.type}>
                        <p class="row">
                          <strong>
                            <SagaName type={one.type} />
                          </strong>
                          {running > 0 && <span class="badge busy">{tr(["{n} under way", "{n}건 진행 중"], { n: number(running) })}</span>}
                        </p>
                        <Picture steps={one.steps} />
                      </li>
                    );
                  })}
                </ul>
              </Card>
            </>
          );
        }}
      </Await>
    </>
  );
}
