/* The store: what came in, what cooks, what is done; and its menu. */
import { useState } from "preact/hooks";
import type { Row } from "../api";
import { useList } from "../data";
import { t, type Text, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { Await, Button, Card, Empty } from "../ui/basics";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { useFoodNames } from "./food";

const lanes: readonly (readonly [status: string, title: Text, none: Text])[] = [
  ["대기중", ["New", "새 주문"], ["No new orders", "새 주문이 없습니다"]],
  ["접수됨", ["Accepted", "접수됨"], ["Nothing to cook", "조리할 것이 없습니다"]],
  ["요리중", ["Cooking", "요리 중"], ["The stove is free", "요리 중인 것이 없습니다"]],
  ["요리완료", ["Cooked", "요리 완료"], ["Nothing yet", "아직 없습니다"]],
];

function Ticket({ ticket, name, onReject }: { ticket: Row; name: string; onReject: () => void }) {
  const id = rowKey(ticket);
  const step = (command: string, done: string) => act({ method: "PUT", path: `/food/storeOrders/${id}/${command}` }, done);
  return (
    <li class="order-card" data-ticket={id} data-order={ticket.orderId}>
      <div class="row spread">
        <strong>{name}</strong>
        <a href={`#/data/food/storeOrders/${id}`}>#{String(ticket.orderId)}</a>
      </div>
      {ticket.options !== null && <p class="faint">{String(ticket.options)}</p>}
      <p class="faint">{String(ticket.address ?? "")}</p>
      <div class="row">
        {may(ticket, "accept") && (
          <Button kind="main" small onClick={() => step("accept", tr(["Accepted", "접수했습니다"]))} id="accept">
            {tr(["Accept", "접수"])}
          </Button>
        )}
        {may(ticket, "reject") && (
          <Button small kind="danger" onClick={onReject} id="reject">
            {tr(["Reject", "거부"])}
          </Button>
        )}
        {may(ticket, "start-cook") && (
          <Button kind="main" small onClick={() => step("start-cook", tr(["Cooking", "요리를 시작했습니다"]))} id="start-cook">
            {tr(["Start cooking", "요리 시작"])}
          </Button>
        )}
        {may(ticket, "finish-cook") && (
          <Button kind="main" small onClick={() => step("finish-cook", tr(["Cooked: a rider is looked for", "요리 완료: 라이더를 찾습니다"]))} id="finish-cook">
            {tr(["It is done", "요리 완료"])}
          </Button>
        )}
      </div>
    </li>
  );
}

function Lane({ store, lane, names, onReject }: { store: number; lane: (typeof lanes)[number]; names: (id: unknown) => string; onReject: (ticket: Row) => void }) {
  const [status, title, none] = lane;
  const tickets = useList("/food/storeOrders", { storeId: store, status, sort: status === "요리완료" ? "id,desc" : "id", size: 20 });
  const count = tickets.value?.total ?? 0;
  return (
    <section class="lane" aria-label={tr(title)} data-lane={status}>
      <h2>
        {tr(title)} {count > 0 && <span class="count">{count}</span>}
      </h2>
      <Await shown={tickets}>
        {({ rows }) =>
          rows.length === 0 ? (
            <p class="faint lane-empty">{tr(none)}</p>
          ) : (
            <ul class="stack">
              {rows.map((ticket) => (
                <Ticket key={rowKey(ticket)} ticket={ticket} name={names(ticket.foodId)} onReject={() => onReject(ticket)} />
              ))}
            </ul>
          )
        }
      </Await>
    </section>
  );
}

function Menu({ store }: { store: number }) {
  const foods = useList("/food/foods", { storeId: store, size: 100 });
  const [adding, setAdding] = useState(false);
  return (
    <Card
      title={tr(["Our menu", "우리 가게 메뉴"])}
      id="store-menu"
      actions={
        <Button small onClick={() => setAdding(true)} id="add-food">
          {tr(["New dish", "메뉴 추가"])}
        </Button>
      }
    >
      <Await shown={foods}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["Store {n} has no menu yet", "{n}번 가게에는 아직 메뉴가 없습니다"], { n: store })}>
              <Samples system="food" kind="main" />
            </Empty>
          ) : (
            <Table
              label={tr(["Our menu", "우리 가게 메뉴"])}
              rows={rows}
              columns={[
                { head: tr(["Dish", "메뉴"]), cell: (row) => <a href={`#/data/food/foods/${rowKey(row)}`}>{String(row.name ?? `#${rowKey(row)}`)}</a> },
                { head: tr(["Rating", "평점"]), cell: (row) => (Number(row.count) > 0 ? `★ ${row.score} (${row.count})` : "–"), num: true },
                {
                  head: tr(["Offered", "판매"]),
                  cell: (row) => (
                    <Button
                      small
                      onClick={() => act({ method: "PATCH", path: `/food/foods/${rowKey(row)}`, body: { available: row.available !== true } })}
                      id="toggle"
                      label={`${row.name ?? `#${rowKey(row)}`}: ${row.available === true ? tr(["pause", "판매 중지"]) : tr(["offer again", "판매 시작"])}`}
                    >
                      {row.available === true ? tr(["Pause", "판매 중지"]) : tr(["Offer again", "판매 시작"])}
                    </Button>
                  ),
                  num: true,
                },
              ]}
            />
          )
        }
      </Await>
      {adding && (
        <FormDialog
          title={tr(["New dish", "메뉴 추가"])}
          onClose={() => setAdding(false)}
          id="food-form"
          fields={[{ name: "name", label: tr(["Name", "이름"]), required: true }]}
          call={(body) => ({ method: "POST", path: "/food/foods", body: { storeId: store, ...body } })}
          submit={t("add")}
          done={tr(["On the menu", "메뉴에 올렸습니다"])}
        />
      )}
    </Card>
  );
}

export function Store({ store }: { store: number }) {
  const names = useFoodNames();
  const [rejecting, setRejecting] = useState<Row | null>(null);
  return (
    <>
      <div class="lanes">
        {lanes.map((lane) => (
          <Lane key={lane[0]} store={store} lane={lane} names={names} onReject={setRejecting} />
        ))}
      </div>
      <Menu store={store} />
      {rejecting && (
        <FormDialog
          title={tr(["Reject order {id}", "{id}번 주문 거부"], { id: String(rejecting.orderId) })}
          onClose={() => setRejecting(null)}
          id="reject-form"
          fields={[{ name: "reason", label: tr(["Why", "사유"]), value: tr(["Out of ingredients", "재료 소진"]) }]}
          call={(body) => ({ method: "PUT", path: `/food/storeOrders/${rowKey(rejecting)}/reject`, body })}
          submit={tr(["Reject and refund", "거부하고 환불"])}
        />
      )}
    </>
  );
}
