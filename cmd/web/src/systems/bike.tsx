/* Bike rental: the stand, one's points, one's trips, and the board of all reservations. */
import { useState } from "preact/hooks";
import type { Row } from "../api";
import { useItem, useList } from "../data";
import { moment, number, t, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { BikeArt, colourName } from "../ui/art";
import { Await, Button, Card, Empty, PageHead, ProblemBox, Stat, Status } from "../ui/basics";
import { SystemFeed } from "../ui/feed";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { Who, who } from "../ui/who";

const ACTIVE = "예약완료";

function Points({ user }: { user: number }) {
  const points = useItem(`/bike/points/${user}`);
  const [buying, setBuying] = useState(false);
  const none = points.problem?.status === 404;
  return (
    <Card
      title={tr(["My points", "내 포인트"])}
      id="points"
      actions={
        <Button small kind={none ? "main" : "plain"} onClick={() => setBuying(true)} id="buy">
          {tr(["Buy points", "포인트 구매"])}
        </Button>
      }
    >
      {none ? (
        <p class="faint">{tr(["User {n} has none yet. A ride costs 1,000.", "{n}번 사용자는 포인트가 없습니다. 1회 이용에 1,000입니다."], { n: user })}</p>
      ) : points.value === null ? (
        points.problem ? <ProblemBox problem={points.problem} again={points.again} /> : <p class="faint">{t("loading")}</p>
      ) : (
        <Stat label={tr(["Balance", "잔액"])} value={<span data-id="total-point">{number(Number(points.value.totalPoint))}</span>} note={tr(["a ride costs 1,000", "1회 이용 1,000"])} />
      )}
      {buying && (
        <FormDialog
          title={tr(["Buy points", "포인트 구매"])}
          onClose={() => setBuying(false)}
          id="buy-form"
          fields={[{ name: "price", label: tr(["How many", "구매할 포인트"]), kind: "number", required: true, value: 5000 }]}
          call={(body) => ({ method: "POST", path: "/bike/approvals", body: { userId: user, approveDate: new Date().toISOString().slice(0, 10), ...body } })}
          submit={tr(["Buy", "구매"])}
          done={tr(["Bought", "구매했습니다"])}
        />
      )}
    </Card>
  );
}

function Bikes({ user }: { user: number }) {
  const bikes = useList("/bike/managements", { size: 200, sort: "bikeId" });
  const taken = useList("/bike/reservations", { reserveStatus: ACTIVE, size: 1000 });
  const [adding, setAdding] = useState(false);
  const held = new Map(taken.value?.rows.map((row) => [row.bikeId, row]));
  const reserve = (bike: Row) =>
    act({ method: "POST", path: "/bike/reservations", body: { userId: user, bikeId: bike.bikeId ?? null } }, tr(["Reserved: the bike is yours", "예약되었습니다"]));
  return (
    <Card
      title={tr(["Bikes", "자전거"])}
      id="bikes"
      actions={
        <Button small onClick={() => setAdding(true)} id="add-bike">
          {tr(["New bike", "자전거 등록"])}
        </Button>
      }
    >
      <Await shown={bikes}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["The stand is empty", "등록된 자전거가 없습니다"])}>
              <Samples system="bike" user={user} kind="main" />
            </Empty>
          ) : (
            <ul class="tiles">
              {rows.map((bike) => {
                const holder = held.get(bike.bikeId ?? null);
                return (
                  <li class="tile" key={rowKey(bike)} data-bike={rowKey(bike)} data-free={holder === undefined}>
                    <BikeArt color={String(bike.color ?? "")} />
                    <h3>{tr(["Bike {n}", "자전거 {n}"], { n: rowKey(bike) })}</h3>
                    <p class="faint">{colourName(String(bike.color ?? "–"))}</p>
                    <p>
                      {holder === undefined ? (
                        <span class="badge good">{tr(["Free", "이용 가능"])}</span>
                      ) : (
                        <span class="badge busy">
                          {holder.userId === user ? tr(["Yours", "내가 이용 중"]) : tr(["Taken by {n}", "{n}번 이용 중"], { n: String(holder.userId) })}
                        </span>
                      )}
                    </p>
                    <Button kind="main" small disabled={holder !== undefined} onClick={() => reserve(bike)} id="reserve" label={`${tr(["Reserve", "예약하기"])} ${rowKey(bike)}`}>
                      {tr(["Reserve", "예약하기"])}
                    </Button>
                  </li>
                );
              })}
            </ul>
          )
        }
      </Await>
      {adding && (
        <FormDialog
          title={tr(["New bike", "자전거 등록"])}
          onClose={() => setAdding(false)}
          id="bike-form"
          fields={[
            { name: "color", label: tr(["Colour", "색상"]), required: true, value: "green" },
            { name: "registeredDate", label: tr(["Registered on", "등록일"]), value: new Date().toISOString().slice(0, 10) },
          ]}
          call={(body) => ({ method: "POST", path: "/bike/managements", body })}
          submit={t("add")}
          done={tr(["It stands ready", "등록했습니다"])}
        />
      )}
    </Card>
  );
}

function Trips({ user }: { user: number }) {
  const trips = useList("/bike/reservations", { userId: user, sort: "reserveNo,desc", size: 20 });
  const put = (row: Row, command: string, done: string) => act({ method: "PUT", path: `/bike/reservations/${rowKey(row)}/${command}` }, done);
  return (
    <Card title={tr(["My reservations", "내 예약"])} id="trips">
      <Await shown={trips}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={tr(["No reservations yet", "예약 내역이 없습니다"])} />
          ) : (
            <Table
              label={tr(["My reservations", "내 예약"])}
              rows={rows}
              columns={[
                { head: tr(["No.", "번호"]), cell: (row) => <a href={`#/data/bike/reservations/${rowKey(row)}`}>#{rowKey(row)}</a> },
                { head: tr(["Bike", "자전거"]), cell: (row) => String(row.bikeId) },
                { head: tr(["Since", "예약 시각"]), cell: (row) => (row.reserveDateTime ? moment(String(row.reserveDateTime)) : "–") },
                { head: tr(["Status", "상태"]), cell: (row) => <Status value={row.reserveStatus} /> },
                {
                  head: <span class="hidden">{t("commands")}</span>,
                  num: true,
                  cell: (row) => (
                    <span class="row end">
                      {may(row, "return") && (
                        <Button small kind="main" onClick={() => put(row, "return", tr(["Returned, thank you", "반납했습니다"]))} id="return">
                          {tr(["Return", "반납"])}
                        </Button>
                      )}
                      {may(row, "cancel") && (
                        <Button small onClick={() => put(row, "cancel", tr(["Cancelled, 1,000 points are back", "취소했고 1,000 포인트가 돌아왔습니다"]))} id="cancel" label={`${t("cancel")} #${rowKey(row)}`}>
                          {t("cancel")}
                        </Button>
                      )}
                    </span>
                  ),
                },
              ]}
            />
          )
        }
      </Await>
    </Card>
  );
}

function Board() {
  const board = useList("/bike/reservationDashboards", { size: 15, sort: "reserveNo,desc" });
  return (
    <Card title={tr(["Dashboard: all reservations", "대시보드: 전체 예약"])} id="board">
      <Await shown={board}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty />
          ) : (
            <Table
              label={tr(["All reservations", "전체 예약"])}
              rows={rows}
              columns={[
                { head: tr(["No.", "번호"]), cell: (row) => `#${row.reserveNo}` },
                { head: tr(["User", "사용자"]), cell: (row) => String(row.userId), num: true },
                { head: tr(["Bike", "자전거"]), cell: (row) => String(row.bikeId), num: true },
                { head: tr(["Status", "상태"]), cell: (row) => <Status value={row.reserveStatus} /> },
              ]}
            />
          )
        }
      </Await>
    </Card>
  );
}

export function Bike() {
  const user = who("bike");
  return (
    <>
      <PageHead
        title={t("bike")}
        lead={tr(["A reservation holds one bike and takes 1,000 points: both, or neither.", "예약하면 자전거 한 대를 잡고 1,000 포인트를 씁니다. 둘 다 되거나 둘 다 안 됩니다."])}
      >
        <Who system="bike" label={tr(["User", "사용자 번호"])} />
      </PageHead>
      <div class="columns wide-left">
        <div class="stack">
          <Bikes user={user} />
          <Trips user={user} />
          <Board />
        </div>
        <div class="stack side-stack">
          <Points user={user} />
          <SystemFeed system="bike" />
        </div>
      </div>
    </>
  );
}
