/* Short words about what just happened, in a corner; read out to who cannot see. */
import { signal } from "@preact/signals";
import { type Call, type Problem, send } from "../api";
import { refresh } from "../data";
import { t } from "../i18n";
import { nameOf } from "../names";
import { said } from "../translate";

interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
  detail?: string;
  asSaid?: string; // By the node, in its own words.
}

const toasts = signal<Toast[]>([]);
let last = 0;

function drop(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function toast(tone: Toast["tone"], text: string, detail?: string, asSaid?: string): void {
  const id = ++last;
  /* What went well gives way to what comes next; what went wrong stays its time. */
  toasts.value = [...toasts.value.filter((old) => old.tone === "bad").slice(-2), { id, tone, text, ...(detail ? { detail } : {}), ...(asSaid ? { asSaid } : {}) }];
  setTimeout(() => drop(id), tone === "good" ? 3500 : 8000);
}

export function toastProblem(problem: Problem): void {
  if (problem.status === 0) {
    toast("bad", t("offline"));
    return;
  }
  const fields = problem.errors?.map((error) => `${nameOf("field", error.field)}: ${said(error.message)}`).join("\n");
  const words = problem.detail || problem.title;
  toast("bad", said(words), fields ?? `${problem.status} ${said(problem.title)}`, words);
}

/* A command by a click: what comes of it is shown, and everything on the page is read again. */
export async function act(call: Call, done?: string): Promise<boolean> {
  const answer = await send(call);
  refresh();
  if (answer.problem !== null) toastProblem(answer.problem);
  else toast("good", done ?? t("done"));
  return answer.ok;
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.tone}`}>
          <div>
            <p title={toast.asSaid === toast.text ? undefined : toast.asSaid}>{toast.text}</p>
            {toast.detail && <p class="faint">{toast.detail}</p>}
          </div>
          <button type="button" class="x" aria-label={t("close")} onClick={() => drop(toast.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
