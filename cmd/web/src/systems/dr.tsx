/* Demand response: the operator starts and ends, customers answer, everybody sees the totals live. */
import { useState } from "preact/hooks";
import type { Row } from "../api";
import { useList } from "../data";
import { number, t, tr } from "../i18n";
import { may, rowKey } from "../rows";
import { adjust, query } from "../router";
import { Await, Button, Card, Empty, PageHead, Stat, Status, Tabs } from "../ui/basics";
import { FormDialog } from "../ui/form";
import { Samples } from "../ui/samples";
import { act } from "../ui/toast";
import { become, Who, who } from "../ui/who";
import { Operator } from "./dr_operator";

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

/* More are not offered by name: a number is typed. */
const CHOICE_MAX = 200;

export function Dr() {
  const role = query.value.get("role") === "customer" ? "customer" : "operator";
  const people = useList(role === "customer" ? "/dr/users" : null, { size: CHOICE_MAX });
  const many = (people.value?.total ?? 0) > CHOICE_MAX;
  /* Who one was; of few, the first customer, if that one is not there. */
  const ids = people.value?.rows.map((row) => Number(rowKey(row))) ?? [];
  const user = many || ids.includes(who("dr")) ? who("dr") : (ids[0] ?? null);
  return (
    <>
      <PageHead
        title={t("dr")}
        lead={tr([
          "When power is short, customers are asked to save some. Who accepts is measured and paid, once.",
          "전력이 부족할 때 고객에게 절전을 요청합니다. 수락한 고객은 계량하여 한 번만 지급합니다.",
        ])}
      >
        {role === "customer" && many && <Who system="dr" label={tr(["Customer", "고객"])} />}
        {role === "customer" && !many && user !== null && (
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
