/*
 * How the nodes do, over the last minutes: read from /metrics/history when somebody looks, so that
 * charts are full at once; then the stream tells what is new, every two seconds. While it is away, or
 * has left something out, that is asked for.
 */
import { batch, computed, signal } from "@preact/signals";
import { onSample, state } from "./live";

/* A sample of the cluster, as /metrics/history has it. */
interface Sample {
  time: number; // Its end, milliseconds since 1970.
  nodes: number[]; // Whose numbers are in it.
  requests: number;
  events: number;
  commits: number;
  turns: number;
  sagas: number;
  bulk_lines: number;
  http_p50: number | null;
  http_p95: number | null;
  http_p99: number | null;
  commit_p50: number | null;
  commit_p99: number | null;
  in_flight: number;
  queued: number;
  mail: number;
  unacknowledged: number;
  actors_bytes: number;
  http_bytes: number;
  journal_bytes: number;
  rows_bytes: number;
}

interface NodeState {
  node: number;
  up: boolean; // False: the rest is missing.
  shards?: number;
  requests?: number;
  events?: number;
  journal_bytes?: number;
  aggregates?: Record<string, number>;
  sagas?: Record<string, Record<string, number>>;
  breakers?: { look: string; peer: number; state: keyof typeof BREAKER_STATES }[];
  peers_down?: number[];
}

export interface History {
  interval_ms: number;
  nodes: NodeState[];
  samples: Sample[];
}

export interface Point {
  at: number; // Seconds since 1970.
  nodes: readonly number[]; // Whose numbers are in it.
  requests: number; // A second, as are the next four.
  events: number;
  commits: number;
  sagas: number;
  bulk: number;
  p50: number | null; // Milliseconds; null: nothing came.
  p95: number | null;
  p99: number | null;
  commit50: number | null;
  commit99: number | null;
  batch: number | null; // Turns in a commit.
  inFlight: number;
  queued: number;
  mail: number;
  unacknowledged: number;
  actorBytes: number;
  httpBytes: number;
  diskBytes: number;
}

export interface NodeFacts {
  node: number;
  up: boolean;
  aggregates: number;
  requests: number; // In all.
  events: number;
  shards: number;
  journalBytes: number;
  peersDown: number;
}

export interface Breaker {
  name: string;
  node: number;
  state: number; // 0 closed, 1 half-open, 2 open.
}

const BREAKER_STATES = { closed: 0, "half-open": 1, open: 2 };
const INTERVAL_MS = 2000;
const KEPT_MS = 600_000;
const LOST_MS = 2.5 * INTERVAL_MS; // Nobody answers or tells for so long: all nodes are down.

export const points = signal<Point[]>([]);
export const clock = signal(0); // The nodes' time, seconds since 1970: where a chart ends.
/* What is now; undefined: nothing is known of it. */
export const newest = computed(() => {
  const last = points.value.at(-1);
  return last !== undefined && clock.value - last.at < (1.5 * INTERVAL_MS) / 1000 ? last : undefined;
});
export const nodes = signal<NodeFacts[]>([]);
export const counts = signal<ReadonlyMap<string, number>>(new Map()); // Aggregates by type.
export const sagaCounts = signal<ReadonlyMap<string, number>>(new Map()); // "shop.order-saga/parked"
export const breakers = signal<Breaker[]>([]);

const ms = (seconds: number | null) => (seconds === null ? null : seconds * 1000);

function pointOf(sample: Sample): Point {
  return {
    at: sample.time / 1000,
    nodes: sample.nodes,
    requests: sample.requests,
    events: sample.events,
    commits: sample.commits,
    sagas: sample.sagas,
    bulk: sample.bulk_lines,
    p50: ms(sample.http_p50),
    p95: ms(sample.http_p95),
    p99: ms(sample.http_p99),
    commit50: ms(sample.commit_p50),
    commit99: ms(sample.commit_p99),
    batch: sample.commits > 0 ? sample.turns / sample.commits : null,
    inFlight: sample.in_flight,
    queued: sample.queued,
    mail: sample.mail,
    unacknowledged: sample.unacknowledged,
    actorBytes: sample.actors_bytes,
    httpBytes: sample.http_bytes,
    diskBytes: sample.journal_bytes + sample.rows_bytes,
  };
}

function factsOf(state: NodeState): NodeFacts {
  return {
    node: state.node,
    up: state.up,
    aggregates: Object.values(state.aggregates ?? {}).reduce((sum, count) => sum + count, 0),
    requests: state.requests ?? 0,
    events: state.events ?? 0,
    shards: state.shards ?? 0,
    journalBytes: state.journal_bytes ?? 0,
    peersDown: state.peers_down?.length ?? 0,
  };
}

/* Adds up what several nodes have by the same name. */
function sums(entries: Iterable<readonly [string, number]>): Map<string, number> {
  const map = new Map<string, number>();
  for (const [name, value] of entries) map.set(name, (map.get(name) ?? 0) + value);
  return map;
}

let skew = 0; // The nodes' clock against ours, milliseconds.
let told = 0; // When somebody answered or told last, by ours.

function takeStates(states: readonly NodeState[]): void {
  nodes.value = states.map(factsOf);
  counts.value = sums(states.flatMap((state) => Object.entries(state.aggregates ?? {})));
  sagaCounts.value = sums(
    states.flatMap((state) =>
      Object.entries(state.sagas ?? {}).flatMap(([type, byState]) =>
        Object.entries(byState).map(([name, count]) => [`${type}/${name}`, count] as const),
      ),
    ),
  );
  breakers.value = states.flatMap((state) =>
    (state.breakers ?? []).map(({ look, state: phase }) => ({ name: look, node: state.node, state: BREAKER_STATES[phase] })),
  );
}

/* What is new, or all that there is: a time that comes again replaces what was known of it. */
function take(history: History): void {
  told = Date.now();
  takeStates(history.nodes);
  if (history.samples.length === 0) return;
  const byTime = new Map(points.value.map((point) => [point.at, point]));
  for (const sample of history.samples) byTime.set(sample.time / 1000, pointOf(sample));
  const all = [...byTime.values()].sort((a, b) => a.at - b.at);
  const end = all.at(-1)!.at;
  batch(() => {
    points.value = all.filter((point) => point.at > end - KEPT_MS / 1000);
    clock.value = end;
  });
  skew = end * 1000 - told;
}

/* ---- Asking: the past, once; and all while the stream is away ---------------------------------- */

const NOTHING = Number.MAX_SAFE_INTEGER; // Since then: only how the nodes are.

let since = 0; // There is no hole up to this time, milliseconds; 0: the past was not read yet.
let reading = false;
let pastWanted = 0; // Watchers.

/* A node that hangs takes a connection and never answers: another try may lead to another one. */
async function read(): Promise<void> {
  if (reading) return;
  reading = true;
  const past = since > 0 || pastWanted > 0;
  try {
    const response = await fetch(`/metrics/history?since=${past ? since : NOTHING}`, { cache: "no-store", signal: AbortSignal.timeout(LOST_MS) });
    if (response.ok) {
      const history: History = await response.json();
      take(history);
      if (past) since = history.samples.at(-1)?.time ?? since;
    }
  } catch {
    // Nobody answers: the clock goes on without them.
  }
  reading = false;
  if (!past && pastWanted > 0) void read(); // Since it began.
}

/* Nothing needs to be asked for now. */
function isKnown(past: boolean): boolean {
  if (Date.now() - told > LOST_MS) return false;
  return !past || (since > 0 && since / 1000 >= (points.peek().at(-1)?.at ?? 0));
}

/* ---- Hearing: the stream tells every two seconds ---------------------------------------------- */

let heard = Date.now(); // From it, last.

onSample((history: History) => {
  heard = Date.now();
  const first = history.samples[0];
  take(history);
  if (first === undefined || since === 0) return;
  if (first.time <= since + INTERVAL_MS) since = Math.max(since, history.samples.at(-1)!.time);
  else if (watchers > 0) void read(); // Of what was missed between.
});

let awake = Date.now(); // Since then somebody could see the page.
let ticked = awake;

/* Time goes on when nothing comes: charts show where nothing was. */
function age(): void {
  if (Date.now() - Math.max(told, awake) < LOST_MS) return;
  if (clock.value > 0) clock.value = Math.floor((Date.now() + skew) / INTERVAL_MS) * (INTERVAL_MS / 1000);
  if (nodes.value.some((node) => node.up)) nodes.value = nodes.value.map((node) => ({ ...node, up: false }));
}

let watchers = 0;
let timer = 0;

function tick(): void {
  timer = window.setTimeout(tick, INTERVAL_MS);
  if (document.visibilityState !== "visible") return;
  if (Date.now() - ticked > LOST_MS) awake = Date.now(); // It was hidden, or all of the machine slept.
  ticked = Date.now();
  const streaming = state.peek() === "live" || state.peek() === "flood";
  if (!streaming || Date.now() - heard > LOST_MS) void read();
  age();
}

/* Goes on as long as somebody looks; with the past, when it is wanted. */
export function watch(past: boolean): () => void {
  if (past) pastWanted++;
  if (watchers++ === 0) timer = window.setTimeout(tick, INTERVAL_MS);
  if (!isKnown(past)) void read();
  return () => {
    if (past) pastWanted--;
    if (--watchers === 0) clearTimeout(timer);
  };
}
