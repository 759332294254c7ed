/* Food delivery by its four roles: customer, store, rider, and the top menus for all of them. */
import { useState } from "preact/hooks";
import type { Row } from "../api";
import { useList } from "../data";
import { number, t, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { adjust, query } from "../router";
import { Art } from "../ui/art";
import { Await, Button, Card, Empty, PageHead, Status, Tabs } from "../ui/basics";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { become, Who, who } from "../ui/who";
import { Rider } from "./food_rider";
import { Store } from "./food_store";

type Role = "customer" | "store" | "rider" | "top";

export function useFoodNames(): (id: unknown) => string {
  const foods = useList("/food/foods", { size: 1000 });
  const names = new Map(foods.value?.rows.map((row) => [row.id, String(row.name ?? `#${row.id}`)]));
  return (id) => names.get(id as number) ?? `#${id}`;
}

/* ---- Customer ------------------------------------------------------------------------------- */

const way = ["결제완료", "주문접수됨", "요리중", "배달대기", "배달중", "배달완료"] as const;

/* Where an order is on its way. */
function Way({ status }: { status: string }) {
  const at = way.indexOf(status as (typeof way)[number]);
  if (at < 0)
    return (
      <div class="row">
        <Status value={status} />
      </div>
    );
  return (
    <div class="way">
      <ol aria-hidden="true">
        {way.map((step, i) => (
          <li key={step} class={i < at ? "past" : i === at ? "here" : ""} />
        ))}
      </ol>
      <Status value={status} />
    </div>
  );
}

function Stars({ order }: { order: Row }) {
  return (
    <div class="stars" role="group" aria-label={tr(["Rate order {id}", "{id}번 주문 평가"], { id: rowKey(order) })}>
      {[1, 2, 3, 4, 5].map((score) => (
        <button
          key={score}
          type="button"
          aria-label={tr(["{n} stars", "별 {n}개"], { n: score })}
          onClick={() => act({ method: "PUT", path: `/food/orders/${rowKey(order)}/evaluate`, body: { score } }, tr(["Thank you", "감사합니다"]))}
          data-id={`stars-${score}`}
        >
          ★
        </button>
      ))}
    </div>
  );
}

function OrderCard({ order, name, delivery }: { order: Row; name: string; delivery: Row | undefined }) {
  const id = rowKey(order);
  const score = Number(order.score);
  return (
    <li class="order-card" data-order={id} data-status={order.status}>
      <div class="row spread">
        <strong>{name}</strong>
        <a href={`#/data/food/orders/${id}`}>#{id}</a>
      </div>
      <Way status={String(order.status)} />
      <div class="row">
        {may(order, "cancel") && (
          <Button small onClick={() => act({ method: "PUT", path: `/food/orders/${id}/cancel` }, tr(["Cancelled, your money is back", "취소되었고 환불되었습니다"]))} id="cancel" label={`${t("cancel")} #${id}`}>
            {t("cancel")}
          </Button>
        )}
        {delivery && may(delivery, "confirm") && (
          <Button small kind="main" onClick={() => act({ method: "PUT", path: `/food/deliveries/${rowKey(delivery)}/confirm` }, tr(["Enjoy your meal", "맛있게 드세요"]))} id="confirm">
            {tr(["I have received it", "잘 받았습니다"])}
          </Button>
        )}
        {may(order, "evaluate") && <Stars order={order} />}
        {score > 0 && <span class="rated" aria-label={tr(["{n} stars", "별 {n}개"], { n: score })}>{"★".repeat(score)}</span>}
      </div>
    </li>
  );
}

function Customer() {
  const user = who("food");
  const foods = useList("/food/foods", { size: 100 });
  const orders = useList("/food/orders", { customerId: user, sort: "id,desc", size: 8 });
  const deliveries = useList("/food/deliveries", { customerId: user, sort: "id,desc", size: 100 });
  const notices = useList("/food/notificationLogs", { customerId: user, sort: "id,desc", size: 12 });
  const [ordering, setOrdering] = useState<Row | null>(null);
  const names = new Map(foods.value?.rows.map((row) => [row.id, String(row.name ?? `#${row.id}`)]));
  const byOrder = new Map(deliveries.value?.rows.map((row) => [row.orderId, row]));
  return (
    <div class="columns wide-left">
      <Card title={tr(["Menu", "메뉴"])} id="menu-list">
        <Await shown={foods}>
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title={tr(["No store has a menu yet", "아직 메뉴를 올린 가게가 없습니다"])}>
                <Samples system="food" kind="main" />
              </Empty>
            ) : (
              <ul class="tiles">
                {rows.map((food) => (
                  <li class="tile" key={rowKey(food)} data-food={rowKey(food)}>
                    <Art name={String(food.name)} seed={Number(food.id) + 3} kind="dish" />
                    <h3>{String(food.name)}</h3>
                    <p class="faint">
                      {tr(["Store {n}", "{n}번 가게"], { n: String(food.storeId ?? "–") })}
                      {Number(food.count) > 0 && ` · ★ ${number(Math.round(Number(food.score) * 10) / 10)} (${number(Number(food.count))})`}
                    </p>
                    <Button kind="main" small disabled={food.available !== true} onClick={() => setOrdering(food)} id="order" label={`${food.available === true ? tr(["Order", "주문하기"]) : tr(["Not now", "준비 중"])} ${food.name ?? `#${food.id}`}`}>
                      {food.available === true ? tr(["Order", "주문하기"]) : tr(["Not now", "준비 중"])}
                    </Button>
                  </li>
                ))}
              </ul>
            )
          }
        </Await>
      </Card>
      <div class="stack">
        <Card title={tr(["My orders", "내 주문"])} id="my-orders">
          <Await shown={orders}>
            {({ rows }) =>
              rows.length === 0 ? (
                <Empty title={tr(["Hungry? Choose a dish.", "배고프신가요? 메뉴를 골라 보세요."])} />
              ) : (
                <ul class="stack">
                  {rows.map((order) => (
                    <OrderCard key={rowKey(order)} order={order} name={names.get(order.foodId as number) ?? `#${order.foodId}`} delivery={byOrder.get(order.id ?? null)} />
                  ))}
                </ul>
              )
            }
          </Await>
        </Card>
        <Card title={t("notify")} id="notices">
          <Await shown={notices}>
            {({ rows }) =>
              rows.length === 0 ? (
                <p class="faint">{t("nothing")}</p>
              ) : (
                <ul class="lines">
                  {rows.map((row) => (
                    <li key={rowKey(row)} class="row spread">
                      <Status value={row.message} />
                      <span class="faint">#{String(row.orderId)}</span>
                    </li>
                  ))}
                </ul>
              )
            }
          </Await>
        </Card>
      </div>
      {ordering && (
        <FormDialog
          title={tr(["Order {name}", "{name} 주문"], { name: String(ordering.name) })}
          onClose={() => setOrdering(null)}
          id="order-form"
          fields={[
            { name: "address", label: tr(["Where to", "배달 주소"]), required: true, value: tr(["1 Teheran-ro, Seoul", "서울시 강남구 테헤란로 1"]) },
            { name: "options", label: tr(["Wishes", "요청 사항"]), value: "" },
          ]}
          call={(body) => ({ method: "POST", path: "/food/orders", body: { foodId: ordering.id ?? null, customerId: user, ...body } })}
          submit={tr(["Order and pay", "주문하고 결제하기"])}
          done={tr(["Ordered and paid", "주문과 결제를 마쳤습니다"])}
          onDone={() => {
            /* Who tries the roles out goes to the store that has the order, not to look for it. */
            if (ordering.storeId !== null) become("food-store", Number(ordering.storeId));
          }}
          showCurl
        />
      )}
    </div>
  );
}

/* ---- Top menus ------------------------------------------------------------------------------ */

function Top() {
  const top = useList("/food/topFoods", { sort: "orderCount,desc", size: 20 });
  const most = Math.max(1, ...(top.value?.rows.map((row) => Number(row.orderCount)) ?? []));
  return (
    <Card title={tr(["Top menus", "인기 메뉴"])} id="top-menus">
      <Await shown={top}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["Nothing has been cooked yet", "아직 조리된 메뉴가 없습니다"])} />
          ) : (
            <Table
              label={tr(["Top menus", "인기 메뉴"])}
              rows={rows}
              columns={[
                { head: tr(["Dish", "메뉴"]), cell: (row) => <strong>{String(row.name ?? `#${row.id}`)}</strong> },
                {
                  head: tr(["Orders", "주문 수"]),
                  cell: (row) => (
                    <span class="bar-cell">
                      <span>{Number(row.orderCount) > 0 && <span class="bar" style={{ width: `${(Number(row.orderCount) / most) * 100}%` }} />}</span>
                      <span>{number(Number(row.orderCount))}</span>
                    </span>
                  ),
                },
                { head: tr(["Rating", "평점"]), cell: (row) => (Number(row.evalCount) > 0 ? `★ ${number(Number(row.score))}` : "–"), num: true },
                { head: tr(["Ratings", "평가 수"]), cell: (row) => number(Number(row.evalCount)), num: true },
              ]}
            />
          )
        }
      </Await>
    </Card>
  );
}

/* ---- The page ------------------------------------------------------------------------------- */

const roles: readonly Role[] = ["customer", "store", "rider", "top"];

export function Food() {
  const asked = query.value.get("role") as Role | null;
  const role = asked !== null && roles.includes(asked) ? asked : "customer";
  const kitchen = useList("/food/storeOrders", { status: "대기중", storeId: who("food-store"), size: 1 });
  const waiting = useList("/food/deliveries", { status: "대기중", size: 1 });
  return (
    <>
      <PageHead
        title={t("food")}
        lead={tr([
          "One order, four people: a customer, a store's owner and its cook, a rider. Change the role below and do the next step; everybody sees it at once.",
          "주문 하나에 네 사람이 있습니다. 고객, 가게 주인과 요리사, 라이더. 아래에서 역할을 바꿔 가며 다음 단계를 진행해 보세요. 모두에게 바로 보입니다.",
        ])}
      >
        {role === "customer" && <Who system="food" label={tr(["Customer", "고객 번호"])} />}
        {role === "store" && <Who system="food-store" label={tr(["Store", "가게 번호"])} />}
      </PageHead>
      <Tabs
        label={tr(["Role", "역할"])}
        value={role}
        items={[
          ["customer", tr(["Customer", "고객"])],
          ["store", tr(["Store", "가게"]), kitchen.value?.total ?? null],
          ["rider", tr(["Rider", "라이더"]), waiting.value?.total ?? null],
          ["top", tr(["Top menus", "인기 메뉴"])],
        ]}
        onChange={(next) => adjust({ role: next })}
      />
      {role === "customer" && <Customer />}
      {role === "store" && <Store store={who("food-store")} />}
      {role === "rider" && <Rider />}
      {role === "top" && <Top />}
    </>
  );
}
