/* The small parts every screen is made of. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Call, curl, type Problem } from "../api";
import type { Shown } from "../data";
import { t, tr, type Text } from "../i18n";
import { type Kind, labelOf } from "../names";
import { toneOf } from "../statuses";
import { said } from "../translate";
import { EmptySign } from "./icons";

type Children = { children?: ComponentChildren };

export function Status({ value }: { value: unknown }) {
  if (value === null || value === undefined || value === "") return <span class="faint">–</span>;
  const word = String(value);
  const gloss = said(word); // Some carry a reason: "주문거부됨-…".
  return (
    <span class={`badge ${toneOf(word)}`} title={gloss === word ? undefined : word} data-status={word}>
      {gloss}
    </span>
  );
}

/* What the node said, in the language of the page; as it came on pointing at it. */
export function Said({ text }: { text: string }) {
  const words = said(text);
  return <span title={words === text ? undefined : text}>{words}</span>;
}

/* A thing of the API: what it is called here, and its name there, which commands and requests need. */
export function Named({ kind, name, system, short }: { kind: Kind; name: string; system?: string | undefined; short?: boolean }) {
  const label = labelOf(kind, name, system);
  if (label === null) return <>{name}</>;
  if (short) return <span title={name}>{label}</span>;
  return (
    <>
      {label} <code class="name">{name}</code>
    </>
  );
}

interface ButtonProps extends Children {
  onClick?: () => unknown;
  kind?: "main" | "plain" | "danger" | "ghost";
  small?: boolean;
  submit?: boolean;
  disabled?: boolean;
  busy?: boolean;
  label?: string; // For who cannot see, where the text alone does not say it.
  id?: string;
}

/* A click that takes a while shows it, and counts once. */
export function Button(props: ButtonProps) {
  const [busy, setBusy] = useState(false);
  const here = useRef(true);
  useEffect(() => {
    here.current = true;
    return () => {
      here.current = false;
    };
  }, []);
  const click = async () => {
    const result = props.onClick?.();
    if (!(result instanceof Promise)) return;
    setBusy(true);
    try {
      await result;
    } finally {
      if (here.current) setBusy(false);
    }
  };
  const waiting = busy || props.busy === true;
  return (
    <button
      type={props.submit ? "submit" : "button"}
      class={`button ${props.kind ?? "plain"}${props.small ? " small" : ""}`}
      onClick={props.onClick ? click : undefined}
      disabled={props.disabled || waiting}
      aria-busy={waiting}
      aria-label={props.label}
      data-id={props.id}
    >
      {props.children}
    </button>
  );
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      {t("loading")}
    </div>
  );
}

export function Empty({ title, children }: Children & { title?: ComponentChildren }) {
  return (
    <div class="empty">
      <EmptySign />
      <p class="empty-title">{title ?? t("nothing")}</p>
      {children}
    </div>
  );
}

/* Its words, and in reach those of the node, where they are others. */
function AsSaid({ problem }: { problem: Problem }) {
  const lines = [problem.detail, ...(problem.errors ?? []).map((error) => `${error.field}: ${error.message}`)].filter(Boolean);
  if (said(problem.title) === problem.title && said(problem.detail) === problem.detail) return null;
  return (
    <details class="as-said">
      <summary>{tr(["In the words of the node", "노드가 한 말 그대로"])}</summary>
      <code>{[`${problem.status} ${problem.title}`, ...lines].join("\n")}</code>
    </details>
  );
}

/* What went wrong, as it is. */
export function ProblemBox({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p class="problem-title">
        {problem.status === 0 ? t("offline") : `${problem.status} ${said(problem.title)}`}
      </p>
      {problem.status !== 0 && problem.detail && <p>{said(problem.detail)}</p>}
      {problem.errors && problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((error) => (
            <li key={error.field}>
              <Named kind="field" name={error.field} /> {said(error.message)}
            </li>
          ))}
        </ul>
      )}
      {problem.status !== 0 && <AsSaid problem={problem} />}
      {again && (
        <Button small onClick={again}>
          {t("tryAgain")}
        </Button>
      )}
    </div>
  );
}

/* Loading, wrong, partial or there. */
export function Await<T>({ shown, children }: { shown: Shown<T>; children: (value: T) => ComponentChildren }) {
  if (shown.value === null) {
    if (shown.problem !== null) return <ProblemBox problem={shown.problem} again={shown.again} />;
    return <Loading />;
  }
  return (
    <>
      {shown.partial && (
        <p class="note warn" role="status">
          {t("partial", { nodes: shown.partial.replace(/^nodes /, "") })}
        </p>
      )}
      {children(shown.value)}
    </>
  );
}

export function Card(props: Children & { title?: ComponentChildren; actions?: ComponentChildren; class?: string; id?: string }) {
  const id = useId();
  return (
    <section
      class={`card ${props.class ?? ""}`}
      aria-labelledby={props.title ? id : undefined}
      data-id={props.id}
    >
      {(props.title || props.actions) && (
        <header class="card-head">
          {props.title && <h2 id={id}>{props.title}</h2>}
          {props.actions && <div class="row">{props.actions}</div>}
        </header>
      )}
      {props.children}
    </section>
  );
}

export function PageHead({ title, name, lead, hero, children }: Children & { title: string; name?: string | false; lead?: string; hero?: boolean }) {
  useEffect(() => {
    document.title = `${title} · dure`;
  }, [title]);
  return (
    <header class={`page-head${hero ? " hero" : ""}`}>
      <div>
        <h1 tabIndex={-1}>
          {title}
          {name && <code class="name"> {name}</code>}
        </h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="row">{children}</div>}
    </header>
  );
}

export function copyText(text: string): void {
  if (navigator.clipboard && window.isSecureContext) {
    void navigator.clipboard.writeText(text);
    return;
  }
  // Over plain HTTP from another machine there is no clipboard but this one.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Curl({ call }: { call: Call }) {
  const [copied, setCopied] = useState(false);
  const line = curl(call);
  return (
    <div class="curl">
      <code tabIndex={0} role="group" aria-label={tr(["As a command", "명령으로"])}>{line}</code>
      <Button
        small
        kind="ghost"
        onClick={() => {
          copyText(line);
          setCopied(true);
          setTimeout(() => setCopied(false), 1500);
        }}
      >
        {copied ? t("copied") : t("copy")}
      </Button>
    </div>
  );
}

/* A choice of few, as buttons in a row. */
export function Tabs<K extends string>(props: {
  label: string;
  value: K;
  items: readonly (readonly [key: K, text: string, count?: number | null])[];
  onChange: (key: K) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = props.items.findIndex(([key]) => key === props.value);
    const next = (at + step + props.items.length) % props.items.length;
    props.onChange(props.items[next]![0]);
    list.current?.querySelectorAll("button")[next]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label} ref={list} onKeyDown={move}>
      {props.items.map(([key, text, count]) => (
        <button
          key={key}
          type="button"
          role="tab"
          aria-selected={key === props.value}
          tabIndex={key === props.value ? 0 : -1}
          onClick={() => props.onChange(key)}
          data-id={`tab-${key}`}
        >
          {text}
          {count !== undefined && count !== null && count > 0 && <span class="count">{count}</span>}
        </button>
      ))}
    </div>
  );
}

export function Stat({ label, value, note }: { label: string; value: ComponentChildren; note?: ComponentChildren }) {
  return (
    <div class="stat">
      <span class="stat-label">{label}</span>
      <span class={`stat-value${typeof value === "string" && value.length > 12 ? " long" : ""}`}>{value}</span>
      {note && <span class="stat-note">{note}</span>}
    </div>
  );
}

export const label = (text: Text) => tr(text);
