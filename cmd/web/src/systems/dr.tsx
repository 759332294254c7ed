/* Demand response: the operator starts and ends, customers answer, everybody sees the totals live. */
import { useState } from "preact/hooks";
import type { Row } from "../api";
import { useList } from "../data";
import { moment, number, t, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { adjust, query } from "../router";
import { Await, Button, Card, Empty, PageHead, Stat, Status, Tabs } from "../ui/basics";
import { SystemFeed } from "../ui/feed";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { become, who } from "../ui/who";

const answerOf = (row: Row) => String(row.answer);

/* ---- Operator ------------------------------------------------------------------------------- */

function Totals({ rows }: { rows: readonly Row[] }) {
  const of = (answer: string) => rows.filter((row) => answerOf(row) === answer);
  const capacity = (list: readonly Row[]) => list.reduce((sum, row) => sum + Number(row.userCapacity ?? 0), 0);
  const all = Math.max(1, capacity(rows));
  const accepted = capacity(of("accept"));
  const denied = capacity(of("deny"));
  return (
    <>
      <div class="stats">
        <Stat label={tr(["Accepted capacity", "수락한 용량"])} value={<span data-id="accepted">{number(accepted)}</span>} note={tr(["of {n}", "전체 {n}"], { n: number(capacity(rows)) })} />
        <Stat label={tr(["Accepted", "수락"])} value={number(of("accept").length)} />
        <Stat label={tr(["Denied", "거절"])} value={number(of("deny").length)} />
        <Stat label={tr(["No answer", "무응답"])} value={number(of("ignore").length)} />
      </div>
      <div class="split" role="img" aria-label={tr(["{n} % accepted", "{n} % 수락"], { n: Math.round((accepted / all) * 100) })}>
        <span class="split-good" style={{ width: `${(accepted / all) * 100}%` }} />
        <span class="split-bad" style={{ width: `${(denied / all) * 100}%` }} />
      </div>
    </>
  );
}

function Demand({ demand }: { demand: Row }) {
  const id = rowKey(demand);
  const responses = useList("/dr/responses", { drId: id, size: 1000, sort: "id" });
  const settled = useList("/dr/kepcos", { drId: id, size: 1000 });
  const running = demand.status === "running";
  const readings = new Map(settled.value?.rows.map((row) => [row.responseId, row]));
  return (
    <Card
      id={`demand-${id}`}
      title={
        <span class="row">
          {String(demand.name ?? tr(["Demand", "수요반응"]))} <span class="faint">#{id}</span> <Status value={demand.status} />
        </span>
      }
      actions={
        may(demand, "end") ? (
          <Button kind="main" onClick={() => act({ method: "PUT", path: `/dr/drs/${id}/end` }, tr(["Ended: meters are read, points are paid", "종료: 계량하고 포인트를 지급합니다"]))} id="end">
            {tr(["End it", "종료하기"])}
          </Button>
        ) : undefined
      }
    >
      <p class="faint">
        {String(demand.type ?? "")} {demand.date ? `· ${moment(String(demand.date))}` : ""}
      </p>
      <Await shown={responses}>
        {({ rows, total }) => (
          <>
            <Totals rows={rows} />
            {total > rows.length && (
              <p class="note warn">{tr(["Of {all} customers asked, the first {n} are counted and shown here.", "요청한 고객 {all}명 중 처음 {n}명만 집계해 보여 줍니다."], { all: number(total), n: number(rows.length) })}</p>
            )}
            {rows.length === 0 ? (
              <Empty title={tr(["There was nobody to ask", "요청할 고객이 없습니다"])} />
            ) : (
              <Table
                label={tr(["Answers", "응답"])}
                rows={rows}
                columns={[
                  { head: tr(["Customer", "고객"]), cell: (row) => String(row.userName ?? row.userId) },
                  { head: tr(["Capacity", "용량"]), cell: (row) => number(Number(row.userCapacity)), num: true },
                  { head: tr(["Answer", "응답"]), cell: (row) => <Status value={row.answer} /> },
                  ...(running
                    ? []
                    : [
                        {
                          head: tr(["Settled points", "정산 포인트"]),
                          num: true,
                          cell: (row: Row) => {
                            const reading = readings.get(row.id ?? null);
                            if (reading === undefined) return "–";
                            if (reading.isReal === null) return <span class="faint">{tr(["meter awaited", "계량 대기"])}</span>;
                            return reading.isReal ? `+${number(Number(reading.adjustPoint))}` : tr(["not real", "미이행"]);
                          },
                        },
                      ]),
                ]}
              />
            )}
          </>
        )}
      </Await>
    </Card>
  );
}

function Operator() {
  const demands = useList("/dr/drs", { sort: "id,desc", size: 12 });
  const users = useList("/dr/getUserInfos", { size: 200, sort: "id" });
  const [starting, setStarting] = useState(false);
  const [adding, setAdding] = useState(false);
  return (
    <>
      <div class="columns wide-left">
        <div class="stack">
          <div class="row">
            <Button kind="main" onClick={() => setStarting(true)} id="start">
              {tr(["Start a demand response", "수요반응 시작하기"])}
            </Button>
          </div>
          <Await shown={demands}>
            {({ rows }) =>
              rows.length === 0 ? (
                <Card>
                  <Empty title={tr(["No demand response so far", "수요반응 내역이 없습니다"])} />
                </Card>
              ) : (
                <>
                  {rows.map((demand) => (
                    <Demand key={rowKey(demand)} demand={demand} />
                  ))}
                </>
              )
            }
          </Await>
        </div>
        <div class="stack">
          <Card
            title={tr(["Customers", "고객"])}
            id="users"
            actions={
              <Button small onClick={() => setAdding(true)} id="add-user">
                {t("add")}
              </Button>
            }
          >
            <Await shown={users}>
              {({ rows }) =>
                rows.length === 0 ? (
                  <Empty title={tr(["No customers yet", "등록된 고객이 없습니다"])}>
                    <Samples system="dr" kind="main" />
                  </Empty>
                ) : (
                  <Table
                    label={tr(["Customers", "고객"])}
                    rows={rows}
                    columns={[
                      {
                        head: tr(["Name", "이름"]),
                        cell: (row) => (
                          <a href="#/dr?role=customer" onClick={() => become("dr", Number(rowKey(row)))}>
                            {String(row.name ?? `#${rowKey(row)}`)}
                          </a>
                        ),
                      },
                      { head: tr(["Capacity", "용량"]), cell: (row) => number(Number(row.capacity ?? 0)), num: true },
                      { head: tr(["Points", "포인트"]), cell: (row) => number(Number(row.point ?? 0)), num: true },
                    ]}
                  />
                )
              }
            </Await>
          </Card>
          <SystemFeed system="dr" />
        </div>
      </div>
      {starting && (
        <FormDialog
          title={tr(["Start a demand response", "수요반응 시작하기"])}
          onClose={() => setStarting(false)}
          id="start-form"
          fields={[
            { name: "name", label: tr(["Name", "이름"]), required: true, value: tr(["Evening peak", "저녁 피크"]) },
            { name: "type", label: tr(["Type", "종류"]), required: true, value: "reliable" },
          ]}
          call={(body) => ({ method: "POST", path: "/dr/drs/startdr", body })}
          submit={tr(["Ask all customers", "모든 고객에게 요청"])}
          done={tr(["Started: all customers are asked", "시작: 모든 고객에게 요청했습니다"])}
          showCurl
        />
      )}
      {adding && (
        <FormDialog
          title={tr(["New customer", "고객 등록"])}
          onClose={() => setAdding(false)}
          id="user-form"
          fields={[
            { name: "name", label: tr(["Name", "이름"]), required: true },
            { name: "capacity", label: tr(["Capacity", "용량"]), kind: "number", value: 400 },
            { name: "point", label: tr(["Points", "포인트"]), kind: "number", value: 1000 },
          ]}
          call={(body) => ({ method: "POST", path: "/dr/users", body })}
          submit={t("add")}
          done={tr(["Registered", "등록했습니다"])}
        />
      )}
    </>
  );
}

/* ---- Customer ------------------------------------------------------------------------------- */

function Customer({ user }: { user: number }) {
  const people = useList("/dr/users", { id: user });
  const asked = useList("/dr/responses", { userId: user, sort: "id,desc", size: 30 });
  const [taking, setTaking] = useState(false);
  const answer = (row: Row, command: string) =>
    act({ method: "PUT", path: `/dr/responses/${rowKey(row)}/${command}` }, command === "accept" ? tr(["Accepted", "수락했습니다"]) : tr(["Denied", "거절했습니다"]));
  return (
    <div class="columns wide-left">
      <Card title={tr(["Asked of me", "나에게 온 요청"])} id="asked">
        <Await shown={asked}>
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title={tr(["Nothing has been asked of you", "받은 요청이 없습니다"])} />
            ) : (
              <ul class="stack">
                {rows.map((row) => (
                  <li key={rowKey(row)} class="order-card" data-response={rowKey(row)}>
                    <div class="row spread">
                      <span>
                        <strong>{tr(["Save {n}", "{n} 줄이기"], { n: number(Number(row.userCapacity)) })}</strong>{" "}
                        <a href={`#/data/dr/drs/${row.drId}`}>DR #{String(row.drId)}</a>
                      </span>
                      <Status value={row.answer} />
                    </div>
                    <div class="row">
                      {may(row, "accept") && (
                        <Button kind="main" small onClick={() => answer(row, "accept")} id="accept">
                          {tr(["Accept", "수락"])}
                        </Button>
                      )}
                      {may(row, "deny") && (
                        <Button small onClick={() => answer(row, "deny")} id="deny">
                          {tr(["Deny", "거절"])}
                        </Button>
                      )}
                    </div>
                  </li>
                ))}
              </ul>
            )
          }
        </Await>
      </Card>
      <Card title={tr(["My points", "내 포인트"])} id="points">
        <Await shown={people}>
          {({ rows }) =>
            rows[0] === undefined ? (
              <Empty title={tr(["There is no customer {n}", "{n}번 고객이 없습니다"], { n: user })} />
            ) : (
              <>
                <Stat label={String(rows[0].name)} value={<span data-id="point">{number(Number(rows[0].point))}</span>} />
                <Button small onClick={() => setTaking(true)} id="withdraw">
                  {tr(["Withdraw", "출금하기"])}
                </Button>
              </>
            )
          }
        </Await>
      </Card>
      {taking && (
        <FormDialog
          title={tr(["Withdraw points", "포인트 출금"])}
          onClose={() => setTaking(false)}
          id="withdraw-form"
          fields={[{ name: "point", label: tr(["Points", "포인트"]), kind: "number", required: true }]}
          call={(body) => ({ method: "PUT", path: `/dr/users/${user}/withdrawpoint`, body })}
          submit={tr(["Withdraw", "출금하기"])}
        />
      )}
    </div>
  );
}

export function Dr() {
  const role = query.value.get("role") === "customer" ? "customer" : "operator";
  const people = useList("/dr/users", { size: 1000 });
  /* Who one was; the first customer, if that one is not there. */
  const ids = people.value?.rows.map((row) => Number(rowKey(row))) ?? [];
  const user = ids.includes(who("dr")) ? who("dr") : (ids[0] ?? null);
  return (
    <>
      <PageHead
        title={t("dr")}
        lead={tr([
          "When power is short, customers are asked to save some. Who accepts is measured and paid, once.",
          "전력이 부족할 때 고객에게 절전을 요청합니다. 수락한 고객은 계량하여 한 번만 지급합니다.",
        ])}
      >
        {role === "customer" && user !== null && (
          <div class="who">
            <label for="who-dr">{tr(["Customer", "고객"])}</label>
            <select id="who-dr" value={user} onChange={(event) => become("dr", Number(event.currentTarget.value))} data-id="who-dr">
              {people.value?.rows.map((row) => (
                <option key={rowKey(row)} value={rowKey(row)}>
                  {row.name === null ? "" : `${row.name} `}(#{rowKey(row)})
                </option>
              ))}
            </select>
          </div>
        )}
      </PageHead>
      <Tabs
        label={tr(["Role", "역할"])}
        value={role}
        items={[
          ["operator", tr(["Operator", "운영자"])],
          ["customer", tr(["Customer", "고객"])],
        ]}
        onChange={(next) => adjust({ role: next })}
      />
      {role === "operator" ? (
        <Operator />
      ) : (
        <Await shown={people}>
          {() =>
            user === null ? (
              <Empty title={tr(["There are no customers yet", "등록된 고객이 없습니다"])}>
                <Samples system="dr" kind="main" />
              </Empty>
            ) : (
              <Customer user={user} />
            )
          }
        </Await>
      )}
    </>
  );
}
