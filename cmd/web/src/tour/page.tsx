/*
 * Try it: a tour, step by step. Each step shows its call as a curl line to copy, runs it by a click, and
 * shows the answer and the events that followed.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Answer, send } from "../api";
import { refresh } from "../data";
import { measure, t, tr } from "../i18n";
import { type LiveEvent, onEvent } from "../live";
import { served } from "../served";
import { Button, Curl, Named, PageHead, Tabs } from "../ui/basics";
import { eventName } from "../ui/feed";
import { SystemIcon } from "../ui/icons";
import { become } from "../ui/who";
import type { Kept, Step } from "./steps";
import { type Tour, tours } from "./tours";

interface Done {
  answer: Answer;
  fine: boolean;
  events: LiveEvent[];
}

const order: readonly Tour[] = ["food", "shop", "bike", "secondhand", "dr"];
const PATIENCE_MS = 10000;

async function perform(step: Step, kept: Kept): Promise<Answer> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await send(step.call(kept));
    const waits = step.until !== undefined && !(answer.ok && step.until(answer.data));
    if (!waits || performance.now() > until) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function Answered({ done, open }: { done: Done; open: boolean }) {
  const { answer } = done;
  return (
    <div class="answered">
      <p class="row">
        <span class={`badge ${answer.ok ? "good" : done.fine ? "wait" : "bad"}`} data-id="status">
          {answer.status || t("offline")}
        </span>
        <span class="faint">{tr(["after {time}", "{time} 걸림"], { time: measure(Math.max(1, Math.round(answer.ms)), "millisecond") })}</span>
        {done.fine && !answer.ok && <span class="faint">{tr(["refused, as it should be", "예상대로 거절됨"])}</span>}
      </p>
      <details open={open} class="answer">
        <summary>{tr(["Answer", "응답"])}</summary>
        <pre tabIndex={0} role="group" aria-label={tr(["Answer", "응답"])}>
          {JSON.stringify(answer.data, (name, value) => (name === "_links" ? undefined : value), 1)}
        </pre>
      </details>
      {done.events.length > 0 && (
        <ul class="chain" aria-label={t("events")}>
          {done.events.map((event) => (
            <li key={event.id} class={`sys-${event.type.split(".")[0]}`}>
              <Named kind="event" name={eventName(event)} system={event.type.split(".")[0]} short />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Walk({ name }: { name: Tour }) {
  const { steps } = tours[name];
  // Somebody of its own, so that a second walk does not meet the first.
  const begin = (): Kept => ({ user: 1000 + Math.floor(Math.random() * 9000) });
  const [kept, setKept] = useState<Kept>(begin);
  const [done, setDone] = useState<Done[]>([]);
  const [running, setRunning] = useState(false);
  const stop = useRef(false);
  const current = useRef<HTMLLIElement>(null);

  useEffect(() => {
    const off = onEvent((event) => {
      if (event.type.split(".")[0] !== name) return;
      setDone((old) => {
        const last = old.at(-1);
        if (last === undefined || last.events.length >= 24) return old;
        return [...old.slice(0, -1), { ...last, events: [...last.events, event] }];
      });
    });
    return () => {
      stop.current = true;
      off();
    };
  }, []);

  const runFrom = async (first: number, last: number) => {
    setRunning(true);
    stop.current = false;
    let known = { ...kept };
    for (let i = first; i <= last && !stop.current; i++) {
      const step = steps[i]!;
      setDone((old) => [...old.slice(0, i), { answer: pending, fine: true, events: [] }]);
      const answer = await perform(step, known);
      const fine = step.refused === undefined ? answer.ok : answer.status === step.refused;
      if (answer.ok && fine) {
        known = { ...known };
        step.keep?.(known, answer.data);
        setKept(known);
      }
      setDone((old) => [...old.slice(0, i), { answer, fine, events: old[i]?.events ?? [] }]);
      refresh();
      if (!fine) break;
      if (i < last) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    if (!stop.current) setRunning(false);
    requestAnimationFrame(() => current.current?.scrollIntoView({ block: "nearest", behavior: "smooth" }));
  };

  const last = done.at(-1);
  const at = last !== undefined && (!last.fine || last.answer === pending) ? done.length - 1 : done.length;
  const finished = at >= steps.length && !running;
  return (
    <>
      <div class="row tour-bar">
        <progress value={Math.min(at, steps.length)} max={steps.length} aria-label={t("tour")} />
        <span class="faint">
          {Math.min(at, steps.length)} / {steps.length}
        </span>
        <Button kind="main" small onClick={() => void runFrom(at, steps.length - 1)} disabled={running || finished} id="run-all">
          {tr(["Run all the rest", "나머지 모두 실행"])}
        </Button>
        <Button
          small
          disabled={running || done.length === 0}
          onClick={() => {
            setDone([]);
            setKept(begin());
          }}
          id="again"
        >
          {tr(["Begin anew", "처음부터"])}
        </Button>
      </div>
      {finished && (
        <div class="note good" role="status" data-id="finished">
          <p>
            <strong>{tr(["That was all of it.", "모두 마쳤습니다."])}</strong>{" "}
            {tr(["Now go on by yourself:", "이제 직접 해 보세요:"])}{" "}
            <a href={`#/${name}`} onClick={() => become(name, Number(kept.user))}>
              {t(name)}
            </a>
          </p>
        </div>
      )}
      <ol class="steps">
        {steps.map((step, i) => {
          const state = i < done.length ? (done[i]!.answer === pending ? "runs" : done[i]!.fine ? "done" : "failed") : i === at ? "next" : "later";
          return (
            <li key={`${name}-${i}`} class={`step ${state}`} data-step={i + 1} data-state={state} ref={i === at ? current : null} aria-current={i === at ? "step" : undefined}>
              <span class="step-number" aria-hidden="true">
                {state === "done" ? "✓" : i + 1}
              </span>
              <div class="step-body">
                <div class="step-head">
                  <div>
                    <h2>{tr(step.title)}</h2>
                    <p class="faint">{tr(step.why)}</p>
                  </div>
                  {i === at && (
                    <Button kind="main" small onClick={() => runFrom(i, i)} disabled={running} id="run-step">
                      {t("run")}
                    </Button>
                  )}
                </div>
                <Curl call={step.call(kept)} />
                {done[i] && done[i]!.answer !== pending && <Answered done={done[i]!} open={i === done.length - 1} />}
              </div>
            </li>
          );
        })}
      </ol>
    </>
  );
}

const pending: Answer = { ok: true, status: 0, data: null, problem: null, partial: null, ms: 0, location: null };

export function TourPage({ name }: { name: string }) {
  const shown = order.filter((one) => served.value === null || served.value.includes(one));
  const chosen = shown.find((one) => one === name) ?? shown[0];
  return (
    <>
      <PageHead
        title={t("tour")}
        lead={tr([
          "One scenario for each system, with sample data of its own. Run it here by clicking, or copy the lines into a terminal.",
          "시스템마다 예제 데이터로 시나리오 하나를 따라갑니다. 여기서 눌러 실행하거나 명령을 터미널에 복사해 쓰세요.",
        ])}
      />
      {chosen && (
        <>
          <Tabs
            label={t("systems")}
            value={chosen}
            items={shown.map((one) => [one, t(one)] as const)}
            onChange={(one) => {
              location.hash = `#/try/${one}`;
            }}
          />
          <p class="row">
            <SystemIcon name={chosen} />
            <strong>{tr(tours[chosen].about)}</strong>
          </p>
          <Walk key={chosen} name={chosen} />
        </>
      )}
    </>
  );
}
