/* Second-hand: what is for sale, one's reservations, the trades, and what one was told. */
import { signal } from "@preact/signals";
import { useId, useState } from "preact/hooks";
import { type Json, type Row, send } from "../api";
import { refresh, useList } from "../data";
import { keep, number, recall, t, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { Art } from "../ui/art";
import { Await, Button, Card, Empty, PageHead, Status } from "../ui/basics";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act, toastProblem } from "../ui/toast";

const person = signal(recall("dure.who.secondhand") ?? "abc");

function Person() {
  const id = useId();
  return (
    <div class="who">
      <label for={id}>{tr(["I am", "사용자 이름"])}</label>
      <input
        id={id}
        type="text"
        value={person.value}
        autocomplete="off"
        onChange={(event) => {
          person.value = event.currentTarget.value.trim() || "abc";
          keep("dure.who.secondhand", person.value);
        }}
        data-id="who-secondhand"
      />
    </div>
  );
}

/* The offer that the first reservation picks up: it is what has the price. */
async function list(body: Record<string, Json>): Promise<void> {
  const answer = await send({ method: "POST", path: "/secondhand/trades", body: { userid: person.value, ...body } });
  if (answer.problem !== null) toastProblem(answer.problem);
  refresh();
}

const won = (text: string) => (/^\d+$/.test(text) ? t("won", { n: number(Number(text)) }) : text);

function Things() {
  const stock = useList("/secondhand/inventories", { size: 100, sort: "id,desc" });
  const listings = useList("/secondhand/trades", { size: 1000, sort: "id,desc" });
  const [selling, setSelling] = useState(false);
  const [buying, setBuying] = useState<Row | null>(null);
  /* The price is the newest listing's that nobody has picked up, else what the last one paid. */
  const prices = new Map<unknown, string>();
  for (const free of [true, false])
    for (const row of listings.value?.rows ?? [])
      if ((row.reserveid === null) === free && row.price !== null && !prices.has(row.productid)) prices.set(row.productid, String(row.price));
  return (
    <Card
      title={tr(["For sale", "판매 중인 물건"])}
      id="things"
      actions={
        <Button small onClick={() => setSelling(true)} id="sell">
          {tr(["Sell something", "판매하기"])}
        </Button>
      }
    >
      <Await shown={stock}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["Nobody sells anything yet", "판매 중인 물건이 없습니다"])}>
              <Samples system="secondhand" kind="main" />
            </Empty>
          ) : (
            <ul class="tiles">
              {rows.map((thing) => {
                const left = Number(thing.qty ?? 0);
                const price = prices.get(thing.productid);
                return (
                  <li class="tile" key={rowKey(thing)} data-thing={String(thing.productid)}>
                    <Art name={String(thing.productname ?? "")} seed={Number(thing.productid)} kind="thing" />
                    <h3>{String(thing.productname ?? `#${thing.productid}`)}</h3>
                    {price && <p class="price">{won(price)}</p>}
                    <p class={left === 0 ? "bad-text" : "faint"} data-id="stock">
                      {left === 0 ? tr(["Gone", "품절"]) : tr(["{n} there", "{n}개 남음"], { n: number(left) })}
                    </p>
                    <Button kind="main" small disabled={left === 0} onClick={() => setBuying(thing)} id="reserve" label={`${tr(["Reserve", "예약하기"])} ${thing.productname ?? `#${thing.productid}`}`}>
                      {tr(["Reserve", "예약하기"])}
                    </Button>
                  </li>
                );
              })}
            </ul>
          )
        }
      </Await>
      {selling && (
        <FormDialog
          title={tr(["Sell something", "판매하기"])}
          onClose={() => setSelling(false)}
          id="sell-form"
          fields={[
            { name: "productname", label: tr(["What", "상품명"]), required: true },
            { name: "productid", label: tr(["Product number", "상품 번호"]), kind: "number", required: true, value: 100 + Math.floor(Math.random() * 90000) },
            { name: "qty", label: tr(["How many", "수량"]), kind: "number", required: true, value: 1 },
            { name: "price", label: tr(["Price (won)", "가격(원)"]), kind: "number", value: 50000 },
          ]}
          call={({ price: _, ...body }) => ({ method: "POST", path: "/secondhand/inventories", body })}
          onDone={(_, { price, ...body }) => {
            if (price !== undefined && price !== null) void list({ ...body, price: String(price) });
          }}
          submit={tr(["Offer it", "올리기"])}
          done={tr(["It is for sale", "판매를 시작했습니다"])}
        />
      )}
      {buying && (
        <FormDialog
          title={tr(["Reserve {name}", "{name} 예약"], { name: String(buying.productname ?? `#${buying.productid}`) })}
          onClose={() => setBuying(null)}
          id="reserve-form"
          fields={[
            { name: "qty", label: tr(["How many", "수량"]), kind: "number", required: true, value: 1 },
            { name: "price", label: tr(["Price (won)", "가격(원)"]), kind: "number", required: true, value: prices.get(buying.productid) ?? 50000 },
            { name: "address", label: tr(["Where to", "주소"]), value: tr(["12 Sejong-daero, Seoul", "서울시 중구 세종대로 12"]) },
          ]}
          call={(body) => ({
            method: "POST",
            path: "/secondhand/reserves",
            body: { productid: buying.productid ?? null, productname: buying.productname ?? null, userid: person.value, ...body },
          })}
          submit={tr(["Reserve", "예약하기"])}
          done={tr(["Reserved", "예약했습니다"])}
          showCurl
        />
      )}
    </Card>
  );
}

function Reserves() {
  const reserves = useList("/secondhand/reserves", { userid: person.value, sort: "id,desc", size: 30 });
  const trades = useList("/secondhand/trades", { userid: person.value, size: 1000, sort: "id,desc" });
  const byReserve = new Map(trades.value?.rows.map((row) => [row.reserveid, row]));
  return (
    <Card title={tr(["My reservations", "내 예약"])} id="reserves">
      <Await shown={reserves}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["No reservations yet", "예약 내역이 없습니다"])} />
          ) : (
            <Table
              label={tr(["My reservations", "내 예약"])}
              rows={rows}
              columns={[
                { head: tr(["No.", "번호"]), cell: (row) => <a href={`#/data/secondhand/reserves/${rowKey(row)}`}>#{rowKey(row)}</a> },
                { head: tr(["What", "상품"]), cell: (row) => String(row.productname ?? row.productid) },
                { head: tr(["Pieces", "수량"]), cell: (row) => number(Number(row.qty)), num: true },
                { head: tr(["Price", "가격"]), cell: (row) => won(String(row.price ?? "–")), num: true },
                { head: tr(["Reservation", "예약"]), cell: (row) => <Status value={row.status} /> },
                { head: tr(["Trade", "거래"]), cell: (row) => <Status value={byReserve.get(row.id ?? null)?.status} /> },
                {
                  head: <span class="hidden">{t("commands")}</span>,
                  num: true,
                  cell: (row) => {
                    const trade = byReserve.get(row.id ?? null);
                    return (
                      <span class="row end">
                        {trade && may(trade, "complete") && (
                          <Button small kind="main" onClick={() => act({ method: "PUT", path: `/secondhand/trades/${rowKey(trade)}/complete` }, tr(["Handed over", "거래를 마쳤습니다"]))} id="complete">
                            {tr(["I have it", "받았습니다"])}
                          </Button>
                        )}
                        {may(row, "reservecancel") && (
                          <Button small onClick={() => act({ method: "PUT", path: `/secondhand/reserves/${rowKey(row)}/reservecancel` }, tr(["Cancelled", "취소했습니다"]))} id="cancel" label={`${t("cancel")} #${rowKey(row)}`}>
                            {t("cancel")}
                          </Button>
                        )}
                      </span>
                    );
                  },
                },
              ]}
            />
          )
        }
      </Await>
    </Card>
  );
}

function Notices() {
  const notices = useList("/secondhand/notices", { userid: person.value, sort: "id,desc", size: 12 });
  return (
    <Card title={t("notify")} id="notices">
      <Await shown={notices}>
        {({ rows }) =>
          rows.length === 0 ? (
            <p class="faint">{t("nothing")}</p>
          ) : (
            <ul class="lines">
              {rows.map((row) => (
                <li key={rowKey(row)} data-notice={rowKey(row)}>
                  <span class="faint">{String(row.productname ?? "")}</span> <Status value={row.status} />
                </li>
              ))}
            </ul>
          )
        }
      </Await>
    </Card>
  );
}

export function Secondhand() {
  return (
    <>
      <PageHead
        title={t("secondhand")}
        lead={tr(["Reserve, and the piece is yours; cancel, and it is back. The last one goes to exactly one.", "예약하면 내 것이 되고, 취소하면 돌아옵니다. 마지막 하나는 단 한 사람에게만 팔립니다."])}
      >
        <Person />
      </PageHead>
      <div class="columns wide-left">
        <Things />
        <Notices />
      </div>
      <Reserves />
    </>
  );
}
