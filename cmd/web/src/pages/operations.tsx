/* How the nodes do: charts over the last minutes, each node, the circuit breakers. */
import { useEffect } from "preact/hooks";
import { measure, number, short, t, tr } from "../i18n";
import { breakers, clock, newest, type NodeFacts, nodes, type Point, points, watch } from "../metrics";
import { labelOf } from "../names";
import { Card, Empty, Loading, PageHead, Stat } from "../ui/basics";
import { Chart, type Line } from "../ui/chart";
import { Listing } from "../ui/table";

export function bytes(value: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let i = 0;
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return measure(value, units[i]!);
}

const ms = (value: number) => measure(value, "millisecond");

function NodeState({ node }: { node: NodeFacts }) {
  if (!node.up) return <span class="badge bad">{tr(["Down", "중단"])}</span>;
  const words = node.peersDown > 0 ? tr(["Up, misses {n}", "정상 ({n}개 연결 끊김)"], { n: node.peersDown }) : tr(["Up", "정상"]);
  return <span class="badge good">{words}</span>;
}

/* What nobody knows of a node that is down. */
const figure = (of: (node: NodeFacts) => string) => ({ num: true, cell: (node: NodeFacts) => (node.up ? of(node) : "–") });

function Nodes() {
  return (
    <Card title={tr(["Nodes and shards", "노드와 샤드"])} id="nodes">
      {nodes.value.length === 0 ? (
        <Loading />
      ) : (
        <Listing
          label={tr(["Nodes", "노드"])}
          rows={nodes.value}
          mark={(node) => ({ key: node.node, "data-node": node.node, "data-up": node.up })}
          columns={[
            { head: tr(["Node", "노드"]), cell: (node) => node.node },
            { head: tr(["State", "상태"]), cell: (node) => <NodeState node={node} /> },
            { head: tr(["Shards", "샤드"]), ...figure((node) => number(node.shards)) },
            { head: tr(["Things", "항목"]), ...figure((node) => number(node.aggregates)) },
            { head: tr(["Requests", "요청"]), ...figure((node) => number(node.requests)) },
            { head: tr(["Events", "이벤트"]), ...figure((node) => number(node.events)) },
            { head: tr(["Journal", "저널"]), ...figure((node) => bytes(node.journalBytes)) },
          ]}
        />
      )}
    </Card>
  );
}

function Breakers() {
  const names = ["closed", "half", "open"] as const;
  const words = {
    closed: tr(["Closed: all well", "닫힘: 정상"]),
    half: tr(["Half-open: trying", "반열림: 시험 중"]),
    open: tr(["Open: left alone", "열림: 차단"]),
  };
  if (breakers.value.length === 0) return null;
  const grouped = new Map<string, number>();
  for (const breaker of breakers.value) grouped.set(breaker.name, Math.max(grouped.get(breaker.name) ?? 0, breaker.state));
  return (
    <Card title={tr(["Circuit breakers", "회로 차단기"])} id="breakers">
      <ul class="lines">
        {[...grouped].map(([name, state]) => (
          <li key={name} class="row spread" data-breaker={name} data-state={names[state]}>
            <span>{labelOf("breaker", name)} <code>{name}</code></span>
            <span class={`badge ${state === 0 ? "good" : state === 1 ? "wait" : "bad"}`}>{words[names[state] ?? "closed"]}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

interface ChartSpec {
  id: string;
  title: string;
  lines: Line<Point>[];
  format: (value: number) => string;
}

function charts(): ChartSpec[] {
  return [
    {
      id: "throughput",
      title: tr(["Throughput, a second", "초당 처리량"]),
      format: short,
      lines: [
        [tr(["Requests", "요청"]), (p) => p.requests],
        [tr(["Events", "이벤트"]), (p) => p.events],
        [tr(["Commits", "커밋"]), (p) => p.commits],
        [tr(["Bulk lines", "대량 처리 줄"]), (p) => p.bulk],
      ],
    },
    {
      id: "latency",
      title: tr(["Answer time", "응답 시간"]),
      format: ms,
      lines: [
        ["p50", (p) => p.p50],
        ["p95", (p) => p.p95],
        ["p99", (p) => p.p99],
      ],
    },
    {
      id: "commit",
      title: tr(["Commit time (to disk)", "커밋 시간 (디스크)"]),
      format: ms,
      lines: [
        ["p50", (p) => p.commit50],
        ["p99", (p) => p.commit99],
      ],
    },
    {
      id: "batch",
      title: tr(["Turns in a commit", "커밋당 턴 수"]),
      format: short,
      lines: [[tr(["Turns", "턴"]), (p) => p.batch]],
    },
    {
      id: "queues",
      title: tr(["Queues", "대기열"]),
      format: short,
      lines: [
        [tr(["Commands under way", "처리 중인 명령"]), (p) => p.inFlight],
        [tr(["Commands waiting", "대기 중인 명령"]), (p) => p.queued],
        [tr(["Mail", "메일"]), (p) => p.mail],
        [tr(["Unacknowledged", "미확인 메시지"]), (p) => p.unacknowledged],
      ],
    },
    {
      id: "memory",
      title: tr(["Memory and disk", "메모리와 디스크"]),
      format: bytes,
      lines: [
        [tr(["Actors in memory", "메모리의 액터"]), (p) => p.actorBytes],
        [tr(["HTTP buffers", "HTTP 버퍼"]), (p) => p.httpBytes],
        [tr(["Disk", "디스크"]), (p) => p.diskBytes],
      ],
    },
  ];
}

export function Operations() {
  useEffect(() => watch(true), []);
  const now = newest.value;
  const shown = (value: number | null | undefined, format: (value: number) => string) => (value == null ? "–" : format(value));
  const rate = (value: number) => short(Math.round(value * 10) / 10);
  return (
    <>
      <PageHead
        title={t("operations")}
        lead={tr(["How the nodes do, over the last five minutes.", "최근 5분 동안의 노드 상태입니다."])}
      />
      <Card title={tr(["Right now", "지금"])}>
        {points.value.length === 0 ? (
          <Loading />
        ) : (
          <div class="stats">
            <Stat label={tr(["Requests a second", "초당 요청"])} value={shown(now?.requests, rate)} />
            <Stat label={tr(["Events a second", "초당 이벤트"])} value={shown(now?.events, rate)} />
            <Stat label={tr(["Answer time p99", "응답 시간 p99"])} value={shown(now?.p99, ms)} />
            <Stat label={tr(["Commands under way", "처리 중인 명령"])} value={shown(now?.inFlight, number)} />
            <Stat label={tr(["On disk", "디스크 사용"])} value={shown(now?.diskBytes, bytes)} />
          </div>
        )}
      </Card>
      <div class="columns wide-left">
        <Nodes />
        <Breakers />
      </div>
      {points.value.length === 0 ? (
        <Empty title={tr(["Measuring…", "측정하는 중…"])} />
      ) : (
        <div class="columns even" data-id="charts">
          {charts().map((chart) => (
            <Card key={chart.id} title={chart.title} id={`chart-${chart.id}`}>
              <Chart points={points.value} end={clock.value} nodes={nodes.value.length} lines={chart.lines} format={chart.format} label={chart.title} />
            </Card>
          ))}
        </div>
      )}
    </>
  );
}
