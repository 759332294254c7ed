/* The API to read: every operation of /openapi.json, with a line to copy. */
import { useEffect, useState } from "preact/hooks";
import type { Method } from "../api";
import { describe, type Kind, type OperationInfo, operations, problem } from "../describe";
import { systemName, t, tr } from "../i18n";
import { labelOf } from "../names";
import { glossOf } from "../statuses";
import { described } from "../translate";
import { Card, Curl, Empty, Loading, PageHead, ProblemBox, Tabs } from "../ui/basics";
import { Field } from "../ui/form";

const kinds = (kind: Kind) =>
  tr(({ text: ["text", "문자열"], number: ["number", "숫자"], boolean: ["yes or no", "예/아니요"], date: ["date", "날짜"], choice: ["one of", "다음 중 하나"] } as const)[kind]);

/* Where a request has it. */
const places = (place: string) =>
  ({ body: tr(["body", "본문"]), query: tr(["query", "쿼리"]), header: tr(["header", "헤더"]), path: tr(["path", "경로"]) })[place] ?? place;

function OperationRow({ operation }: { operation: OperationInfo }) {
  const [open, setOpen] = useState(false);
  const path = operation.path.replace(/\{[^}]+\}/g, "1");
  return (
    <li>
      <details class="operation" data-operation={operation.id} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class={`method ${operation.method.toLowerCase()}`}>{operation.method}</span>
          <code>{operation.path}</code>
          <span class="faint">{described(operation.summary)}</span>
        </summary>
        {open && (
          <div class="stack operation-body">
            {operation.description && <p>{described(operation.description)}</p>}
            <Curl call={{ method: operation.method as Method, path, ...(operation.body !== undefined ? { body: operation.body } : {}) }} />
            {operation.parameters.length + operation.fields.length > 0 && (
              <dl class="fields">
                {operation.fields.map((field) => (
                  <div key={`body${field.name}`}>
                    <dt>
                      <code>{field.name}</code> <span class="faint">{places("body")}</span>
                    </dt>
                    <dd>
                      {labelOf("field", field.name) !== null && `${labelOf("field", field.name)}: `}
                      {kinds(field.kind)}
                      {field.required && `, ${tr(["required", "필수"])}`}
                      {field.values.map((value, i) => (
                        <span key={value}>
                          {i > 0 ? ", " : ": "}
                          <code title={glossOf(value)}>{value}</code>
                        </span>
                      ))}
                    </dd>
                  </div>
                ))}
                {operation.parameters.map((parameter) => (
                  <div key={`${parameter.in}${parameter.name}`}>
                    <dt>
                      <code>{parameter.name}</code> <span class="faint">{places(parameter.in)}</span>
                    </dt>
                    <dd>{described(parameter.description)}</dd>
                  </div>
                ))}
              </dl>
            )}
            <dl class="fields">
              {operation.answers.map((answer) => (
                <div key={answer.status}>
                  <dt>
                    <span class={`badge ${answer.status.startsWith("2") ? "good" : "quiet"}`}>{answer.status === "default" ? tr(["default", "그 밖"]) : answer.status}</span>
                  </dt>
                  <dd>{described(answer.description)}</dd>
                </div>
              ))}
            </dl>
          </div>
        )}
      </details>
    </li>
  );
}

export function Api() {
  useEffect(() => void describe(), []);
  const [tag, setTag] = useState("");
  const [text, setText] = useState("");
  const all = operations.value;
  const tags = [...new Set(all.map((operation) => operation.tag))].filter(Boolean);
  const chosen = tag || tags[0] || "";
  const shown = all.filter(
    (operation) =>
      (text !== "" || (operation.tag === chosen && (operation.path.startsWith(`/${chosen}/`) || operation.tag === "node"))) &&
      `${operation.method} ${operation.path} ${operation.summary} ${described(operation.summary)}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <>
      <PageHead
        title={t("api")}
        lead={tr(["Every route, from the same tables as the code.", "코드와 같은 표에서 만든 모든 경로입니다."])}
      >
        <a href="/openapi.json">openapi.json</a>
        <a href="/asyncapi.json">asyncapi.json</a>
      </PageHead>
      {all.length === 0 ? (
        problem.value ? <ProblemBox problem={problem.value} again={() => void describe()} /> : <Loading />
      ) : (
        <>
          <Tabs label={t("systems")} value={chosen} items={tags.map((one) => [one, one === "node" ? tr(["The node itself", "노드"]) : systemName(one)] as const)} onChange={setTag} />
          <Card>
            <Field field={{ name: "search", label: t("search") }} value={text} onInput={setText} />
            {shown.length === 0 ? (
              <Empty />
            ) : (
              <ul class="operations">
                {shown.map((operation) => (
                  <OperationRow key={operation.id} operation={operation} />
                ))}
              </ul>
            )}
          </Card>
        </>
      )}
    </>
  );
}
