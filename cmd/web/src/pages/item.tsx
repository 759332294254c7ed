/* One item: its fields, the commands its state allows, and its history from the journal. */
import { useState } from "preact/hooks";
import type { Json, Row } from "../api";
import { useGet, useItem } from "../data";
import type { CollectionInfo, CommandInfo } from "../describe";
import { moment, systemName, t, tr } from "../i18n";
import type { LiveEvent } from "../live";
import { labelOf, nameOf } from "../names";
import { go } from "../router";
import { may } from "../rows";
import { Await, Button, Card, Curl, Empty, Named, PageHead } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { EventData, eventName } from "../ui/feed";
import { FormDialog } from "../ui/form";
import { act } from "../ui/toast";
import { Value } from "../ui/value";
import { specOf } from "./data";

function Timeline({ path }: { path: string }) {
  const history = useGet(`${path}/events?size=200`, (data) => {
    const hal = data as unknown as { _embedded?: { events?: LiveEvent[] } };
    return hal._embedded?.events ?? [];
  });
  return (
    <Card title={t("history")} id="history">
      <Await shown={history}>
        {(events) =>
          events.length === 0 ? (
            <Empty title={tr(["No public events: it is plain data", "공개 이벤트가 없는 데이터입니다"])} />
          ) : (
            <ol class="timeline">
              {events.map((event) => (
                <li key={event.id} data-event={eventName(event)}>
                  <p class="row">
                    <strong>
                      <Named kind="event" name={eventName(event)} system={event.type.split(".")[0]} />
                    </strong>{" "}
                    <time class="faint">{moment(event.time)}</time>
                  </p>
                  <EventData event={event} />
                </li>
              ))}
            </ol>
          )
        }
      </Await>
    </Card>
  );
}

export function ItemPage({ info, id }: { info: CollectionInfo; id: string }) {
  const path = `${info.path}/${id}`;
  const called = nameOf("collection", info.name, info.system);
  const item = useItem(path);
  const [asking, setAsking] = useState<CommandInfo | null>(null);
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  const run = (command: CommandInfo) => {
    if (command.fields.length > 0) setAsking(command);
    else
      return act({ method: "PUT", path: `${path}/${command.name}` }, `${nameOf("command", command.name)}: ${t("done")}`).then((fine) => {
        if (fine && command.removes) go(`/data${info.path}`);
      });
    return undefined;
  };
  const allowed = (row: Row) => info.commands.filter((command) => may(row, command.name));
  const editable = info.edit !== null && info.edit.some((field) => !info.fields.find((one) => one.name === field.name)?.readOnly);
  return (
    <>
      <nav class="crumbs" aria-label={tr(["Where you are", "현재 위치"])}>
        <a href="#/data">{t("data")}</a> / {systemName(info.system)} / <a href={`#/data${info.path}`}>{called}</a>
      </nav>
      <PageHead title={`${called} #${id}`} name={labelOf("collection", info.name, info.system) !== null && info.name} />
      <Await shown={item}>
        {(row) => (
          <>
            <div class="columns">
              <Card
                title={t("fields")}
                id="fields"
                actions={
                  <>
                    {editable && (
                      <Button small onClick={() => setEditing(true)} id="edit">
                        {tr(["Edit", "수정"])}
                      </Button>
                    )}
                    {info.removable && info.commands.every((command) => !command.removes && !command.name.includes("cancel")) && (
                      <Button small kind="danger" onClick={() => setRemoving(true)} id="remove">
                        {t("delete")}
                      </Button>
                    )}
                  </>
                }
              >
                <dl class="fields">
                  {info.fields.map((field) => (
                    <div key={field.name} data-field={field.name}>
                      <dt>
                        <Named kind="field" name={field.name} />
                      </dt>
                      <dd>
                        <Value name={field.name} value={row[field.name]} status={field.kind === "choice"} />
                      </dd>
                    </div>
                  ))}
                </dl>
                {info.commands.length > 0 && (
                  <div class="row" role="group" aria-label={t("commands")}>
                    {allowed(row).map((command) => (
                      <Button key={command.name} kind="main" onClick={() => run(command)} id={`command-${command.name}`}>
                        <Named kind="command" name={command.name} />
                      </Button>
                    ))}
                    {allowed(row).length === 0 && <span class="faint">{tr(["Its state allows no command", "지금 상태에서 가능한 명령이 없습니다"])}</span>}
                  </div>
                )}
                <Curl call={{ method: "GET", path }} />
              </Card>
              <Timeline path={path} />
            </div>
            {editing && info.edit !== null && (
              <FormDialog
                title={`${tr(["Edit", "수정"])}: ${called} ${id}`}
                onClose={() => setEditing(false)}
                id="edit-form"
                fields={info.edit
                  .filter((field) => !info.fields.find((one) => one.name === field.name)?.readOnly)
                  .map((field) => specOf({ ...field, required: false }, row[field.name]))}
                call={(body: Record<string, Json>) => ({ method: "PATCH", path, body })}
                submit={t("save")}
                showCurl
              />
            )}
            {removing && (
              <Dialog title={tr(["Delete {name}?", "{name} 삭제할까요?"], { name: `${called} ${id}` })} onClose={() => setRemoving(false)}>
                <p>{tr(["It is gone then; its history stays in the journal.", "항목은 사라지지만 이력은 저널에 남습니다."])}</p>
                <div class="row">
                  <Button
                    kind="danger"
                    id="really"
                    onClick={async () => {
                      const fine = await act({ method: "DELETE", path });
                      setRemoving(false);
                      if (fine) go(`/data${info.path}`);
                    }}
                  >
                    {t("delete")}
                  </Button>
                  <Button onClick={() => setRemoving(false)}>{t("cancel")}</Button>
                </div>
              </Dialog>
            )}
            {asking && (
              <FormDialog
                title={nameOf("command", asking.name)}
                onClose={() => setAsking(null)}
                id="command-form"
                fields={asking.fields.map((field) => specOf(field))}
                call={(body) => ({ method: "PUT", path: `${path}/${asking.name}`, body })}
                submit={nameOf("command", asking.name)}
                showCurl
              />
            )}
          </>
        )}
      </Await>
    </>
  );
}
