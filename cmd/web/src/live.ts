/*
 * The event stream: one EventSource for the page, with events, with notices of what has changed, and
 * with samples of how the nodes do (metrics.ts).
 *
 *   - A notice names collections; whoever shows one of them reads it again (data.ts). Plain data, views
 *     and sagas are among them, so nothing needs to be asked for in vain. The first notice of a stream
 *     names everything: what was missed is read then.
 *   - It begins with the newest events, so that nobody comes to an empty page. The browser reconnects by
 *     itself with Last-Event-ID, so no event is missed. Where it gives up (an error status), we come
 *     again with the last position.
 *   - A page that nobody sees lets go of its stream, and catches up when it is seen again: browsers open
 *     six connections to a host, of all tabs together.
 *   - A flood (a load test) is not shown event by event: the stream is joined again without events. Its
 *     notices go on and tell how many there are; a few are read now and then. When it is over, the
 *     stream begins anew, with the newest.
 */
import { signal } from "@preact/signals";
import { reachable } from "./api";

export interface LiveEvent {
  id: string;
  type: string; // "shop.order.OrderPlaced"
  source: string;
  time: string;
  data: { [name: string]: unknown };
}

export type LiveState = "joining" | "live" | "lost" | "flood";

interface Notice {
  collections: string[]; // "/shop/orders", "/sagas"
  events: number; // Published since the notice before.
}

const SHOWN_MAX = 200;
const FLOOD_PER_S = 800;
const CALM_PER_S = 400;
const WINDOW_MS = 1000;
const SOME = 10; // The newest, each second of a flood.
const NO_EVENT = "@"; // A topic that none has.

export const state = signal<LiveState>("joining");
export const recent = signal<LiveEvent[]>([]); // The newest first.
export const rate = signal(0); // Events a second, in a flood.

type Bell = () => void;
const bells = new Map<string, Set<Bell>>(); // By collection.
const listeners = new Set<(event: LiveEvent) => void>();
let sampled: (message: MessageEvent<string>) => void = () => {};
let source: EventSource | null = null;
let position = ""; // The last id that came.
let buffer: LiveEvent[] = [];
let flooding = false;
let failures = 0;

export function onChange(collection: string, bell: Bell): () => void {
  const set = bells.get(collection) ?? new Set();
  bells.set(collection, set);
  set.add(bell);
  return () => set.delete(bell);
}

export function onSample<Sample>(listener: (sample: Sample) => void): void {
  sampled = (message) => listener(JSON.parse(message.data));
}

export function onEvent(listener: (event: LiveEvent) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/* ---- Events ----------------------------------------------------------------------------------- */

let flushing = 0;
function show(event: LiveEvent): void {
  buffer.push(event);
  if (flushing !== 0) return;
  flushing = window.setTimeout(() => {
    flushing = 0;
    const known = new Set(recent.peek().map((one) => one.id)); // A few of a flood come twice.
    const fresh = buffer.reverse().filter((one) => !known.has(one.id) && known.add(one.id));
    // What is caught up with comes shard by shard.
    recent.value = [...fresh, ...recent.peek()].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)).slice(0, SHOWN_MAX);
    buffer = [];
  }, 60);
}

function take(message: MessageEvent<string>): void {
  position = message.lastEventId || position;
  if (message.data === "") return;
  let event: LiveEvent;
  try {
    event = JSON.parse(message.data);
  } catch {
    return;
  }
  show(event);
  for (const listener of listeners) listener(event);
  if (tooMany()) enterFlood();
}

function takeNotice(message: MessageEvent<string>): void {
  position = message.lastEventId || position;
  const notice: Notice = JSON.parse(message.data);
  if (heard) published += notice.events;
  else {
    heard = true;
    looked = performance.now();
    published = 0;
  }
  for (const collection of notice.collections) for (const bell of bells.get(collection) ?? []) bell();
}

/* ---- Floods ----------------------------------------------------------------------------------- */

let inWindow = 0;
let windowBegan = 0;

function tooMany(): boolean {
  const now = performance.now();
  inWindow++;
  if (now - windowBegan > WINDOW_MS) {
    windowBegan = now;
    inWindow = 1;
  }
  return inWindow > FLOOD_PER_S;
}

let published = 0; // In this second of a flood.
let looked = 0;
let heard = false; // The first notice of this stream.
let looking = 0;

function enterFlood(): void {
  flooding = true;
  leave("flood");
  rate.value = inWindow;
  clearInterval(looking);
  looking = window.setInterval(look, WINDOW_MS);
  join();
}

/* Is it over? Else some of it is shown. */
function look(): void {
  if (state.peek() !== "flood" || !heard) return;
  const now = performance.now();
  rate.value = Math.round((published * 1000) / (now - looked));
  published = 0;
  looked = now;
  if (rate.peek() < CALM_PER_S) {
    leaveFlood();
    leave("joining");
    position = ""; // The newest: of the rest nothing could be shown.
    inWindow = 0;
    join();
  } else {
    void showSome();
  }
}

function leaveFlood(): void {
  flooding = false;
  clearInterval(looking);
}

async function showSome(): Promise<void> {
  try {
    const answer = await fetch(`/events?from=last&max=${SOME}`, { cache: "no-store" });
    const batch: { events?: LiveEvent[] } = await answer.json();
    if (flooding) for (const event of batch.events ?? []) show(event);
  } catch {
    // The next second has others.
  }
}

/* ---- The stream ------------------------------------------------------------------------------- */

function leave(why: LiveState): void {
  source?.close();
  source = null;
  state.value = why;
}

function address(): string {
  const query = new URLSearchParams({ also: "changes,samples" });
  if (flooding) query.set("topic", NO_EVENT);
  else if (position !== "") query.set("from", position);
  else {
    query.set("from", "last");
    query.set("max", String(SHOWN_MAX));
  }
  return `/events?${query}`;
}

function join(): void {
  if (source !== null || document.visibilityState !== "visible") return;
  const begun = new EventSource(address());
  source = begun;
  heard = false;
  begun.onopen = () => {
    failures = 0;
    reachable.value = true;
    state.value = flooding ? "flood" : "live";
  };
  begun.onmessage = take;
  begun.addEventListener("changes", takeNotice);
  begun.addEventListener("sample", (message) => sampled(message));
  begun.onerror = () => {
    if (begun !== source) return;
    if (begun.readyState !== EventSource.CLOSED) {
      state.value = "lost"; // It comes again by itself.
      return;
    }
    leave("lost");
    // Refused twice in a row: the position may be gone, so begin anew.
    if (++failures > 1) position = "";
    window.setTimeout(join, Math.min(500 * 2 ** failures, 8000));
  };
}

const HIDDEN_MS = 3000;
let hiding = 0;

function rest(): void {
  leaveFlood();
  leave("lost");
}

function onVisibility(): void {
  clearTimeout(hiding);
  if (document.visibilityState === "visible") join();
  else hiding = window.setTimeout(rest, HIDDEN_MS);
}

export function start(): void {
  join();
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("pagehide", rest);
  addEventListener("pageshow", onVisibility);
  addEventListener("online", () => {
    leave("lost");
    join();
  });
}
