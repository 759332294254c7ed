/*
 * /metrics, read every now and then and kept for some minutes, as numbers to show: rates, percentiles
 * and sizes of the whole cluster, and what is known of each node.
 */
import { signal } from "@preact/signals";

type Labels = Record<string, string>;
interface Sample {
  labels: Labels;
  value: number;
}
type Scrape = Map<string, Sample[]>;

export interface Point {
  at: number; // Seconds since 1970.
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
  node: string;
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
  node: string;
  state: number; // 0 closed, 1 half-open, 2 open.
}

const KEPT = 200;

export const points = signal<Point[]>([]);
export const nodes = signal<NodeFacts[]>([]);
export const counts = signal<ReadonlyMap<string, number>>(new Map()); // Aggregates by type.
export const sagaCounts = signal<ReadonlyMap<string, number>>(new Map()); // "shop.order-saga/parked"
export const breakers = signal<Breaker[]>([]);

export function parse(text: string): Scrape {
  const scrape: Scrape = new Map();
  const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
  for (const one of text.split("\n")) {
    if (one === "" || one.startsWith("#")) continue;
    const match = line.exec(one);
    if (match === null) continue;
    const labels: Labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      // The first one of a name is the cluster's own.
      if (name !== undefined && !(name in labels)) labels[name] = value ?? "";
    }
    const list = scrape.get(match[1]!) ?? [];
    list.push({ labels, value: Number(match[3]) });
    scrape.set(match[1]!, list);
  }
  return scrape;
}

function total(scrape: Scrape, name: string, fits: (labels: Labels) => boolean = () => true): number {
  let sum = 0;
  for (const sample of scrape.get(name) ?? []) if (fits(sample.labels)) sum += sample.value;
  return sum;
}

/* Linear within a bucket, as Prometheus' histogram_quantile does it; milliseconds. */
function quantile(now: Scrape, before: Scrape, name: string, q: number): number | null {
  const buckets = new Map<number, number>();
  const add = (scrape: Scrape, sign: number) => {
    for (const { labels, value } of scrape.get(`${name}_bucket`) ?? []) {
      const le = labels.le === "+Inf" ? Infinity : Number(labels.le);
      buckets.set(le, (buckets.get(le) ?? 0) + sign * value);
    }
  };
  add(now, 1);
  add(before, -1);
  const rows = [...buckets].sort(([a], [b]) => a - b);
  const all = rows.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  let from = 0;
  let below = 0;
  for (const [le, count] of rows) {
    if (count >= q * all) {
      if (le === Infinity) return from * 1000;
      const share = count > below ? (q * all - below) / (count - below) : 1;
      return (from + (le - from) * share) * 1000;
    }
    from = le;
    below = count;
  }
  return from * 1000;
}

let last: { at: number; scrape: Scrape } | null = null;

function pointOf(at: number, now: Scrape, before: Scrape, seconds: number): Point {
  // A node that came back counts from zero again.
  const rate = (name: string, fits?: (labels: Labels) => boolean) =>
    Math.max(0, total(now, name, fits) - total(before, name, fits)) / seconds;
  const commits = rate("dure_commit_turns_count");
  const http = (q: number) => quantile(now, before, "dure_http_request_seconds", q);
  const commit = (q: number) => quantile(now, before, "dure_commit_seconds", q);
  return {
    at,
    requests: rate("dure_http_requests_total"),
    events: rate("dure_events_total"),
    commits,
    sagas: rate("dure_sagas_started_total"),
    bulk: rate("dure_bulk_lines_total"),
    p50: http(0.5),
    p95: http(0.95),
    p99: http(0.99),
    commit50: commit(0.5),
    commit99: commit(0.99),
    batch: commits > 0 ? rate("dure_commit_turns_sum") / commits : null,
    inFlight: total(now, "dure_asks_in_flight"),
    queued: total(now, "dure_asks_queued"),
    mail: total(now, "dure_mail_queued"),
    unacknowledged: total(now, "dure_links_unacknowledged"),
    actorBytes: total(now, "dure_actors_bytes"),
    httpBytes: total(now, "dure_http_request_bytes") + total(now, "dure_http_unread_bytes"),
    diskBytes: total(now, "dure_journal_size_bytes") + total(now, "dure_rows_size_bytes"),
  };
}

function factsOf(scrape: Scrape): NodeFacts[] {
  const up = scrape.get("dure_node_up");
  if (up === undefined) return [factsOfOne(scrape, "0", true, () => true)]; // One node alone.
  return up
    .map(({ labels }) => labels.node ?? "0")
    .map((node, i) => factsOfOne(scrape, node, up[i]!.value === 1, (labels) => labels.node === node))
    .sort((a, b) => Number(a.node) - Number(b.node));
}

function factsOfOne(scrape: Scrape, node: string, up: boolean, fits: (labels: Labels) => boolean): NodeFacts {
  const peers = (scrape.get("dure_peer_up") ?? []).filter((sample) => fits(sample.labels));
  return {
    node,
    up,
    aggregates: total(scrape, "dure_aggregates", fits),
    requests: total(scrape, "dure_http_requests_total", fits),
    events: total(scrape, "dure_events_total", fits),
    shards: total(scrape, "dure_shards", fits),
    journalBytes: total(scrape, "dure_journal_size_bytes", fits),
    peersDown: peers.filter((peer) => peer.value === 0).length,
  };
}

function sums(scrape: Scrape, name: string, key: (labels: Labels) => string): Map<string, number> {
  const map = new Map<string, number>();
  for (const { labels, value } of scrape.get(name) ?? [])
    map.set(key(labels), (map.get(key(labels)) ?? 0) + value);
  return map;
}

async function scrapeOnce(): Promise<void> {
  let text: string;
  try {
    const response = await fetch("/metrics", { cache: "no-store" });
    if (!response.ok) return;
    text = await response.text();
  } catch {
    return; // Who shows lists says that nobody answers.
  }
  const at = Date.now() / 1000;
  const scrape = parse(text);
  nodes.value = factsOf(scrape);
  counts.value = sums(scrape, "dure_aggregates", (labels) => labels.type ?? "");
  sagaCounts.value = sums(scrape, "dure_sagas", (labels) => `${labels.type}/${labels.state}`);
  breakers.value = (scrape.get("dure_breaker_state") ?? []).map(({ labels, value }) => ({
    name: labels.look ?? labels.name ?? "?",
    node: labels.node ?? "0",
    state: value,
  }));
  if (last !== null && at > last.at)
    points.value = [...points.value, pointOf(at, scrape, last.scrape, at - last.at)].slice(-KEPT);
  last = { at, scrape };
}

let watchers = 0;
let timer = 0;

function tick(): void {
  if (document.visibilityState === "visible") void scrapeOnce();
  timer = window.setTimeout(tick, watchers > 0 ? 2000 : 10000);
}

/* While somebody looks they are read more often. */
export function watch(): () => void {
  watchers++;
  clearTimeout(timer);
  tick();
  return () => {
    watchers--;
  };
}
