/* What a newcomer sees: what this is, what runs, where to begin. */
import { useEffect } from "preact/hooks";
import { number, short, t, type Text, tr } from "../i18n";
import { recent } from "../live";
import { counts, newest, nodes, watch } from "../metrics";
import { served } from "../served";
import { Card, Empty, PageHead, Stat } from "../ui/basics";
import { Feed } from "../ui/feed";
import { SystemIcon } from "../ui/icons";

const systems: readonly (readonly [name: "shop" | "food" | "bike" | "secondhand" | "dr", about: Text])[] = [
  ["food", [
    "Customer, store, rider: an order goes from the menu to the door, with payment, kitchen and delivery.",
    "고객, 가게, 라이더. 메뉴에서 문 앞까지 결제, 조리, 배달이 하나로 이어집니다.",
  ]],
  ["shop", [
    "Products, member accounts and deliveries. An order is done completely, or not at all.",
    "상품, 회원 계좌, 배송. 주문은 전부 처리되거나 전혀 처리되지 않습니다.",
  ]],
  ["bike", [
    "Buy points, reserve a bike, return it. Two people never get the same one.",
    "포인트를 사고, 자전거를 예약하고 반납합니다. 한 대를 두 사람이 예약할 수 없습니다.",
  ]],
  ["secondhand", [
    "List things, reserve them, cancel. The last piece goes to exactly one buyer.",
    "물건을 올리고, 예약하고, 취소합니다. 마지막 하나는 단 한 사람에게만 팔립니다.",
  ]],
  ["dr", [
    "Ask customers to save power, watch their answers come in, settle what they really saved.",
    "고객에게 절전을 요청하고, 응답을 실시간으로 보고, 실제 절감량을 정산합니다.",
  ]],
];

function Running() {
  useEffect(() => watch(false), []);
  const up = nodes.value.filter((node) => node.up).length;
  const point = newest.value;
  let things = 0;
  for (const count of counts.value.values()) things += count;
  return (
    <Card title={tr(["What runs", "지금 실행 중"])} id="running" actions={<a href="#/operations">{t("operations")}</a>}>
      <div class="stats">
        <Stat
          label={tr(["Nodes", "노드"])}
          value={nodes.value.length === 0 ? "–" : <span data-id="nodes-up">{up} / {nodes.value.length}</span>}
          note={
            nodes.value.length === 0 ? "" : up === nodes.value.length ? tr(["all up", "모두 정상"]) : (
              <strong class="bad-text">{tr(["{n} down", "{n}개 중단"], { n: nodes.value.length - up })}</strong>
            )
          }
        />
        <Stat label={tr(["Systems", "시스템"])} value={served.value?.filter((name) => name !== "notify").length ?? "–"} />
        <Stat label={tr(["Things kept", "저장된 항목"])} value={<span title={number(things)}>{short(things)}</span>} />
        <Stat label={tr(["Events a second", "초당 이벤트"])} value={point ? short(Math.round(point.events * 10) / 10) : "–"} />
      </div>
    </Card>
  );
}

export function Home() {
  const shown = systems.filter(([name]) => served.value === null || served.value.includes(name));
  return (
    <>
      <PageHead
        hero
        title={tr(["Welcome to dure", "두레에 오신 것을 환영합니다"])}
        lead={tr([
          "Ready business systems in one program. What it answers is on disk; what it begins, it finishes or undoes.",
          "바로 쓸 수 있는 업무 시스템을 하나의 프로그램에 담았습니다. 응답한 것은 이미 디스크에 있고, 시작한 일은 끝내거나 되돌립니다.",
        ])}
      >
        <a class="button main big" href="#/try" data-id="begin">
          {tr(["Try it: three minutes", "3분 체험 시작하기"])}
        </a>
      </PageHead>
      <Running />
      <ul class="system-cards">
        {shown.map(([name, about]) => (
          <li key={name} class="card">
            <div class="system-head">
              <SystemIcon name={name} />
              <h2>{t(name)}</h2>
            </div>
            <p class="faint grow">{tr(about)}</p>
            <div class="row">
              <a class="button main small" href={`#/${name}`} data-id={`open-${name}`}>
                {tr(["Open", "열기"])}<span class="hidden"> {t(name)}</span>
              </a>
              <a class="button small" href={`#/try/${name}`} data-id={`try-${name}`}>
                {t("tour")}<span class="hidden"> {t(name)}</span>
              </a>
            </div>
          </li>
        ))}
        <li class="card happening">
          <div class="card-head">
            <h2>{tr(["Happening now", "지금 일어나는 일"])}</h2>
            <a href="#/events">{t("events")}</a>
          </div>
          {recent.value.length === 0 ? (
            <Empty title={tr(["Quiet for now. Do something, and it appears here.", "아직 조용합니다. 무언가를 하면 여기에 나타납니다."])} />
          ) : (
            <Feed events={recent.value.slice(0, 3)} />
          )}
        </li>
      </ul>
    </>
  );
}
