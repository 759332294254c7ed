/* The rider: what waits nearby, and what is on the way. */
import { useState } from "preact/hooks";
import { useList } from "../data";
import { tr } from "../i18n";
import { rowKey } from "../rows";
import { Await, Button, Card, Empty, Status } from "../ui/basics";
import { Field } from "../ui/form";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { useFoodNames } from "./food";

export function Rider() {
  const [near, setNear] = useState("");
  const names = useFoodNames();
  const waiting = useList("/food/deliveries", { status: "대기중", near, sort: "id", size: 50 });
  const riding = useList("/food/deliveries", { status: "배달중", sort: "id,desc", size: 50 });
  return (
    <div class="columns">
      <Card title={tr(["Waiting for a rider", "배달을 기다리는 주문"])} id="waiting">
        <Field field={{ name: "near", label: tr(["Near (address begins with)", "근처 (주소 앞부분)"]) }} value={near} onInput={setNear} />
        <Await shown={waiting}>
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title={tr(["Nothing to deliver here", "배달할 것이 없습니다"])} />
            ) : (
              <ul class="stack">
                {rows.map((row) => (
                  <li class="order-card" key={rowKey(row)} data-delivery={rowKey(row)} data-order={row.orderId}>
                    <div class="row spread">
                      <strong>{names(row.foodId)}</strong>
                      <a href={`#/data/food/deliveries/${rowKey(row)}`}>#{String(row.orderId)}</a>
                    </div>
                    <p>{String(row.address ?? "–")}</p>
                    <div class="row">
                      <Button
                        kind="main"
                        small
                        onClick={() => act({ method: "PUT", path: `/food/deliveries/${rowKey(row)}/accept` }, tr(["It is yours: on the way", "배달을 시작했습니다"]))}
                        id="pick"
                      >
                        {tr(["Take it", "배달하기"])}
                      </Button>
                    </div>
                  </li>
                ))}
              </ul>
            )
          }
        </Await>
      </Card>
      <Card title={tr(["On the way", "배달 중"])} id="riding">
        <Await shown={riding}>
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title={tr(["Nobody is riding", "배달 중인 주문이 없습니다"])} />
            ) : (
              <Table
                label={tr(["On the way", "배달 중"])}
                rows={rows}
                columns={[
                  { head: tr(["Order", "주문"]), cell: (row) => `#${row.orderId}` },
                  { head: tr(["Where to", "배달 주소"]), cell: (row) => String(row.address ?? "–") },
                  { head: tr(["Status", "상태"]), cell: (row) => <Status value={row.status} /> },
                ]}
              />
            )
          }
        </Await>
        <p class="faint">{tr(["The customer confirms that it came.", "도착 확인은 고객이 합니다."])}</p>
      </Card>
    </div>
  );
}
