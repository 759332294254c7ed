/*
 * Hooks that show what the node has, and keep it fresh: read at first, again when an event of the
 * system comes or somebody acted here, and now and then anyway (plain data has no events).
 */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Json, type Page, pageOf, type Problem, type Row, send } from "./api";
import { onSystem, state } from "./live";

const POLL_MS = 4000;
const POLL_BUSY_MS = 1500; // While the stream is away.

const acted = signal(0);

/* After a command of this page: everything shown is read again at once. */
export function refresh(): void {
  acted.value++;
}

export interface Shown<T> {
  value: T | null; // NULL: it is on its way, or there is a problem.
  problem: Problem | null;
  partial: string | null;
  again: () => void;
}

/* Sagas are of all systems. */
const systemOf = (path: string) => {
  const first = path.split(/[/?]/)[1] ?? "";
  return first === "sagas" ? "" : first;
};

const baseOf = (path: string | null) => path?.split("?")[0];

/* path null: nothing is wanted now. `keep`: another page of the same list is shown when it is there. */
export function useGet<T>(path: string | null, read: (data: Json) => T, keep = false): Shown<T> {
  const [shown, setShown] = useState<{ path: string | null } & Omit<Shown<T>, "again">>({
    path: null,
    value: null,
    problem: null,
    partial: null,
  });
  const loader = useRef<() => void>(() => {});
  const reading = useRef(read);
  reading.current = read;
  const turn = acted.value;

  useEffect(() => {
    if (path === null) return;
    let over = false;
    let under = false;
    let again = false;
    let text = "";
    const abort = new AbortController();
    const load = async () => {
      if (under) {
        again = true;
        return;
      }
      under = true;
      do {
        again = false;
        try {
          const answer = await send({ method: "GET", path }, abort.signal);
          if (over) return;
          const next = JSON.stringify(answer.data) + (answer.partial ?? "");
          if (answer.ok && next === text) continue;
          text = answer.ok ? next : "";
          setShown((old) => ({
            path,
            value: answer.ok
              ? reading.current(answer.data)
              : answer.status === 0 || answer.status === 503
                ? old.path === path ? old.value : null // Rather old than nothing.
                : null,
            problem: answer.problem,
            partial: answer.partial,
          }));
        } catch {
          return; // Aborted.
        }
      } while (again);
      under = false;
    };
    loader.current = () => void load();
    void load();
    const off = onSystem(systemOf(path), load);
    let timer = 0;
    const poll = () => {
      timer = window.setTimeout(
        () => {
          if (document.visibilityState === "visible") void load();
          poll();
        },
        state.peek() === "live" ? POLL_MS : POLL_BUSY_MS,
      );
    };
    poll();
    return () => {
      over = true;
      abort.abort();
      off();
      clearTimeout(timer);
    };
  }, [path]);

  useEffect(() => {
    if (turn > 0) loader.current();
  }, [turn]);

  const fits = shown.path === path || (keep && baseOf(shown.path) === baseOf(path));
  return {
    value: fits ? shown.value : null,
    problem: fits ? shown.problem : null,
    partial: fits ? shown.partial : null,
    again: () => loader.current(),
  };
}

type Filter = Record<string, string | number | null | undefined>;

export function listPath(path: string, filter: Filter = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

export function useList(path: string | null, filter: Filter = {}, keep = false): Shown<Page> {
  return useGet(path === null ? null : listPath(path, filter), pageOf, keep);
}

export function useItem(path: string | null): Shown<Row> {
  return useGet(path, (data) => data as Row);
}
