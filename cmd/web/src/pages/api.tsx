/* The API to read: every operation of /openapi.json, with a line to copy. */
import { useEffect, useState } from "preact/hooks";
import type { Method } from "../api";
import { describe, type OperationInfo, operations, problem } from "../describe";
import { t, tr } from "../i18n";
import { Card, Curl, Empty, Loading, PageHead, ProblemBox, Tabs } from "../ui/basics";
import { Field } from "../ui/form";
import { systemName } from "./data";

function OperationRow({ operation }: { operation: OperationInfo }) {
  const [open, setOpen] = useState(false);
  const path = operation.path.replace(/\{[^}]+\}/g, "1");
  return (
    <li>
      <details class="operation" data-operation={operation.id} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span class={`method ${operation.method.toLowerCase()}`}>{operation.method}</span>
          <code>{operation.path}</code>
          <span class="faint">{operation.summary}</span>
        </summary>
        {open && (
          <div class="stack operation-body">
            {operation.description && <p>{operation.description}</p>}
            <Curl call={{ method: operation.method as Method, path, ...(operation.body !== undefined ? { body: operation.body } : {}) }} />
            {operation.parameters.length > 0 && (
              <dl class="fields">
                {operation.parameters.map((parameter) => (
                  <div key={`${parameter.in}${parameter.name}`}>
                    <dt>
                      <code>{parameter.name}</code> <span class="faint">{parameter.in}</span>
                    </dt>
                    <dd>{parameter.description}</dd>
                  </div>
                ))}
              </dl>
            )}
            <ul class="row">
              {operation.answers.map((answer) => (
                <li key={answer.status} class={`badge ${answer.status.startsWith("2") ? "good" : "quiet"}`} title={answer.description}>
                  {answer.status}
                </li>
              ))}
            </ul>
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
      `${operation.method} ${operation.path} ${operation.summary}`.toLowerCase().includes(text.toLowerCase()),
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
