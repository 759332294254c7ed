/*
 * The event stream: one EventSource for the page.
 *
 *   - The browser reconnects by itself with Last-Event-ID, so nothing is missed. Where it gives up (an
 *     error status), we come again with the last position.
 *   - Events ring bells: who shows data of a system reads it again, some 150 ms after the first.
 *   - A page that nobody sees lets go of its stream, and catches up when it is seen again: browsers open
 *     six connections to a host, of all tabs together.
 *   - A flood (a load test) is not shown event by event: the stream is left, and joined again at its end
 *     a little later; meanwhile the bells ring.
 */
import { signal } from "@preact/signals";

export interface LiveEvent {
  id: string;
  type: string; // "shop.order.OrderPlaced"
  source: string;
  time: string;
  data: { [name: string]: unknown };
}

export type LiveState = "joining" | "live" | "lost" | "flood";

const SHOWN_MAX = 200;
const FLOOD_PER_S = 800;
const FLOOD_PAUSE_MS = 2000;

export const state = signal<LiveState>("joining");
export const recent = signal<LiveEvent[]>([]); // The newest first.

type Bell = () => void;
const bells = new Map<string, Set<Bell>>(); // By system; "" hears all of them.
const listeners = new Set<(event: LiveEvent) => void>();
let source: EventSource | null = null;
let position = ""; // The last id that came.
let buffer: LiveEvent[] = [];
let ringing = new Map<string, number>();
let inWindow = 0;
let windowBegan = 0;
let failures = 0;

export function onSystem(system: string, bell: Bell): () => void {
  const set = bells.get(system) ?? new Set();
  bells.set(system, set);
  set.add(bell);
  return () => set.delete(bell);
}

export function onEvent(listener: (event: LiveEvent) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function ring(system: string): void {
  if (ringing.has(system)) return;
  ringing.set(
    system,
    window.setTimeout(() => {
      ringing.delete(system);
      for (const name of [system, ""]) for (const bell of bells.get(name) ?? []) bell();
    }, 150),
  );
}

/* After something was missed: everybody reads again. */
export function ringAll(): void {
  for (const set of bells.values()) for (const bell of set) bell();
}

let flushing = 0;
function show(event: LiveEvent): void {
  buffer.push(event);
  if (flushing !== 0) return;
  flushing = window.setTimeout(() => {
    flushing = 0;
    recent.value = [...buffer.reverse(), ...recent.value].slice(0, SHOWN_MAX);
    buffer = [];
  }, 60);
}

function flooded(): boolean {
  const now = performance.now();
  if (now - windowBegan > 1000) {
    windowBegan = now;
    inWindow = 0;
  }
  return ++inWindow > FLOOD_PER_S;
}

function take(message: MessageEvent<string>): void {
  position = message.lastEventId || position;
  if (message.data === "") return;
  if (flooded()) {
    leave("flood");
    position = "";
    window.setTimeout(join, FLOOD_PAUSE_MS);
    return;
  }
  let event: LiveEvent;
  try {
    event = JSON.parse(message.data);
  } catch {
    return;
  }
  ring(event.type.split(".")[0] ?? "");
  show(event);
  for (const listener of listeners) listener(event);
}

function leave(why: LiveState): void {
  source?.close();
  source = null;
  state.value = why;
}

function join(): void {
  if (source !== null || document.visibilityState !== "visible") return;
  const from = position === "" ? "" : `?from=${encodeURIComponent(position)}`;
  const begun = new EventSource(`/events${from}`);
  source = begun;
  begun.onopen = () => {
    failures = 0;
    const missed = state.value !== "live";
    state.value = "live";
    if (missed) ringAll();
  };
  begun.onmessage = take;
  begun.onerror = () => {
    if (begun !== source) return;
    if (begun.readyState !== EventSource.CLOSED) {
      state.value = "lost"; // It comes again by itself.
      return;
    }
    leave("lost");
    // Refused twice in a row: the position may be gone, so begin at the end, and read all again.
    if (++failures > 1) position = "";
    window.setTimeout(join, Math.min(500 * 2 ** failures, 8000));
  };
}

const HIDDEN_MS = 3000;
let hiding = 0;

function onVisibility(): void {
  clearTimeout(hiding);
  if (document.visibilityState === "visible") join();
  else hiding = window.setTimeout(() => leave("lost"), HIDDEN_MS);
}

export function start(): void {
  join();
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("pagehide", () => leave("lost"));
  addEventListener("pageshow", onVisibility);
  addEventListener("online", () => {
    leave("lost");
    join();
  });
}
