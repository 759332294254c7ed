/*
 * The operator of demand response: all demands, what customers answered, what was settled. Totals are
 * the node's own sums, so they are right for any number of customers; lists are shown by pages.
 */
import { useState } from "preact/hooks";
import type { Json, Row } from "../api";
import { listPath, useGet, useList } from "../data";
import { moment, number, t, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { Await, Button, Card, Empty, Stat, Status } from "../ui/basics";
import { SystemFeed } from "../ui/feed";
import { FormDialog } from "../ui/form";
import { Pager } from "../ui/pager";
import { Samples } from "../ui/samples";
import { Table } from "../ui/table";
import { act } from "../ui/toast";
import { become } from "../ui/who";

const PAGE = 20;

/* ---- Totals --------------------------------------------------------------------------------- */

interface Sum {
  count: number;
  sum: number;
}

/* How many match, and what a field of theirs adds up to. */
function useSum(path: string, field: string, filter: Record<string, string | boolean>): Sum | null {
  const texts = Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, String(value)]));
  return useGet(listPath(path, { ...texts, size: 1, sum: field }), (data: Json): Sum => {
    const { page } = data as unknown as { page: { totalElements: number; sum: Record<string, number> } };
    return { count: page.totalElements, sum: page.sum[field] ?? 0 };
  }).value;
}

function Totals({ id, running }: { id: string; running: boolean }) {
  const all = useSum("/dr/responses", "userCapacity", { drId: id });
  const accepted = useSum("/dr/responses", "userCapacity", { drId: id, answer: "accept" });
  const denied = useSum("/dr/responses", "userCapacity", { drId: id, answer: "deny" });
  const paid = useSum("/dr/kepcos", "adjustPoint", { drId: id, isReal: true });
  if (all === null || accepted === null || denied === null) return null;
  const part = (sum: number) => (sum / Math.max(1, all.sum)) * 100;
  return (
    <>
      <div class="stats">
        <Stat label={tr(["Accepted capacity", "수락한 용량"])} value={<span data-id="accepted">{number(accepted.sum)}</span>} note={tr(["of {n}", "전체 {n}"], { n: number(all.sum) })} />
        <Stat label={tr(["Accepted", "수락"])} value={<span data-id="accepts">{number(accepted.count)}</span>} />
        <Stat label={tr(["Denied", "거절"])} value={<span data-id="denies">{number(denied.count)}</span>} />
        {/* Asked one after the other, so one may be ahead for a moment. */}
        <Stat label={tr(["No answer", "무응답"])} value={<span data-id="ignores">{number(Math.max(0, all.count - accepted.count - denied.count))}</span>} />
        {!running && paid !== null && <Stat label={tr(["Points paid", "지급한 포인트"])} value={<span data-id="paid">{number(paid.sum)}</span>} />}
      </div>
      <div class="split" role="img" aria-label={tr(["{n} % accepted", "{n} % 수락"], { n: Math.round(part(accepted.sum)) })}>
        <span class="split-good" style={{ width: `${part(accepted.sum)}%` }} />
        <span class="split-bad" style={{ width: `${part(denied.sum)}%` }} />
      </div>
    </>
  );
}

/* ---- Answers -------------------------------------------------------------------------------- */

function Settled({ response }: { response: Row }) {
  const wanted = response.answer !== "ignore"; // One that was not real has become deny.
  const reading = useList(wanted ? "/dr/kepcos" : null, { responseId: rowKey(response) }).value?.rows[0];
  if (reading === undefined) return <>–</>;
  if (reading.isReal === null) return <span class="faint">{tr(["meter awaited", "계량 대기"])}</span>;
  return <>{reading.isReal ? `+${number(Number(reading.adjustPoint))}` : tr(["not real", "미이행"])}</>;
}

function Answers({ id, running }: { id: string; running: boolean }) {
  const [page, setPage] = useState(0);
  const responses = useList("/dr/responses", { drId: id, size: PAGE, page: page > 0 ? page : null, sort: "id" }, true);
  return (
    <Await shown={responses}>
      {({ rows, total, pages }) =>
        total === 0 ? (
          <Empty title={tr(["There was nobody to ask", "요청할 고객이 없습니다"])} />
        ) : (
          <>
            <Table
              label={tr(["Answers", "응답"])}
              rows={rows}
              columns={[
                { head: tr(["Customer", "고객"]), cell: (row) => String(row.userName ?? row.userId) },
                { head: tr(["Capacity", "용량"]), cell: (row) => number(Number(row.userCapacity)), num: true },
                { head: tr(["Answer", "응답"]), cell: (row) => <Status value={row.answer} /> },
                ...(running ? [] : [{ head: tr(["Settled points", "정산 포인트"]), num: true, cell: (row: Row) => <Settled key={rowKey(row)} response={row} /> }]),
              ]}
            />
            {pages > 1 && <Pager page={page} pages={pages} total={total} onPage={setPage} />}
          </>
        )
      }
    </Await>
  );
}

/* Running ones and the newest are open; who wants to see another one opens it. */
function Demand({ demand, newest }: { demand: Row; newest: boolean }) {
  const id = rowKey(demand);
  const running = demand.status === "running";
  const [opened, setOpened] = useState(false);
  const open = opened || running || newest;
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
        ) : open ? undefined : (
          <Button small onClick={() => setOpened(true)} id="show">
            {tr(["Show the answers", "응답 보기"])}
          </Button>
        )
      }
    >
      <p class="faint">
        {String(demand.type ?? "")} {demand.date ? `· ${moment(String(demand.date))}` : ""}
      </p>
      {open && <Totals id={id} running={running} />}
      {open && <Answers id={id} running={running} />}
    </Card>
  );
}

/* ---- Customers ------------------------------------------------------------------------------ */

function Customers() {
  const [page, setPage] = useState(0);
  const [adding, setAdding] = useState(false);
  const users = useList("/dr/getUserInfos", { size: PAGE, page: page > 0 ? page : null, sort: "id" }, true);
  return (
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
        {({ rows, total, pages }) =>
          total === 0 ? (
            <Empty title={tr(["No customers yet", "등록된 고객이 없습니다"])}>
              <Samples system="dr" kind="main" />
            </Empty>
          ) : (
            <>
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
              {pages > 1 && <Pager page={page} pages={pages} total={total} onPage={setPage} />}
            </>
          )
        }
      </Await>
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
    </Card>
  );
}

export function Operator() {
  const demands = useList("/dr/drs", { sort: "id,desc", size: 12 });
  const [starting, setStarting] = useState(false);
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
                  {rows.map((demand, i) => (
                    <Demand key={rowKey(demand)} demand={demand} newest={i === 0} />
                  ))}
                </>
              )
            }
          </Await>
        </div>
        <div class="stack">
          <Customers />
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
    </>
  );
}
