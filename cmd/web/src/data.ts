/*
 * Hooks that show what the node has, and keep it fresh: read at first, and again when the stream tells
 * that its collection has changed, or somebody acted here. Only while the stream is away, or something
 * could not be read, it is asked for now and then.
 */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Json, type Page, pageOf, type Problem, type Row, send } from "./api";
import { onChange, state } from "./live";
import { paced } from "./pace";

const AWAY_MS = 4000; // Between two reads while the stream is away …
const RETRY_MS = 2000; // … or not everything could be read.

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

/* "/shop/orders" of its items and their histories, too; "/sagas". */
export function collectionOf(path: string): string {
  const [first = "", second = ""] = path.split(/[/?]/).slice(1);
  return first === "sagas" ? "/sagas" : `/${first}/${second}`;
}

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
          // Nobody tells when it can be read again.
          if (answer.status === 0 || answer.status >= 500 || answer.partial !== null) pace.ask(RETRY_MS);
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
    const pace = paced(() => void load());
    loader.current = () => void load();
    void load();
    const off = onChange(collectionOf(path), () => pace.ask());
    const timer = window.setInterval(() => {
      const told = state.peek() === "live" || state.peek() === "flood";
      if (!told && document.visibilityState === "visible") pace.ask();
    }, AWAY_MS);
    return () => {
      over = true;
      abort.abort();
      off();
      pace.stop();
      clearInterval(timer);
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
