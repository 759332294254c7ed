/* Every collection as a table, made from its description: pages, order, filters, and what is new. */
import { useEffect, useState } from "preact/hooks";
import type { Json, Row } from "../api";
import { useList } from "../data";
import { type CollectionInfo, collections, describe, type FieldInfo, find, problem } from "../describe";
import { number, systemName, t, tr } from "../i18n";
import { labelOf, nameOf } from "../names";
import { adjust, go, query } from "../router";
import { rowKey } from "../rows";
import { glossOf } from "../statuses";
import { Await, Button, Card, Empty, Loading, Named, PageHead, ProblemBox } from "../ui/basics";
import { Field, type FieldSpec, FormDialog } from "../ui/form";
import { SystemIcon } from "../ui/icons";
import { Pager } from "../ui/pager";
import { isAmount, Value } from "../ui/value";
import { ItemPage } from "./item";

const isNumber = (field: FieldInfo) => field.kind === "number" && isAmount(field.name);

export function specOf(field: FieldInfo, value?: Json): FieldSpec {
  const start = value ?? field.example;
  return {
    name: field.name,
    label: nameOf("field", field.name),
    ...(labelOf("field", field.name) !== null ? { apiName: field.name } : {}),
    kind: field.kind,
    required: field.required,
    values: field.values.map((one) => [one, glossOf(one)] as const),
    ...(start !== undefined && start !== null ? { value: start as string | number | boolean } : {}),
    ...(field.kind === "date" ? { hint: "2024-04-04, 2024-04-04T09:30:00Z" } : {}),
  };
}

/* ---- All of them ---------------------------------------------------------------------------- */

function Count({ info }: { info: CollectionInfo }) {
  const page = useList(info.path, { size: 1 });
  return <span class="faint num">{page.value === null ? "–" : number(page.value.total)}</span>;
}

function Overview({ all }: { all: readonly CollectionInfo[] }) {
  const systems = [...new Set(all.map((one) => one.system))];
  return (
    <>
      <PageHead
        title={t("data")}
        lead={tr(["Everything that is kept, collection by collection.", "저장된 모든 것을 컬렉션별로 봅니다."])}
      />
      <div class="system-cards">
        {systems.map((system) => (
          <Card
            key={system}
            title={
              <span class="system-head">
                <SystemIcon name={system} /> {systemName(system)}
              </span>
            }
          >
            <ul class="lines">
              {all
                .filter((one) => one.system === system)
                .map((one) => (
                  <li key={one.path} class="row spread">
                    <a href={`#/data${one.path}`}>
                      <Named kind="collection" name={one.name} system={system} />
                    </a>
                    <Count info={one} />
                  </li>
                ))}
            </ul>
          </Card>
        ))}
      </div>
    </>
  );
}

/* ---- One of them ---------------------------------------------------------------------------- */

function Filters({ info }: { info: CollectionInfo }) {
  const [name, setName] = useState(info.fields.find((field) => field.kind === "choice")?.name ?? info.fields[0]?.name ?? "id");
  const [value, setValue] = useState("");
  const field = info.fields.find((one) => one.name === name);
  const active = [...query.value].filter(([key]) => key.startsWith("f."));
  const apply = (event: Event) => {
    event.preventDefault();
    if (value !== "") adjust({ [`f.${name}`]: value, page: null });
    setValue("");
  };
  return (
    <div class="filters">
      <form class="form inline" onSubmit={apply} data-id="filter">
        <Field
          field={{ name: "field", label: tr(["Filter by", "필터"]), kind: "choice", chosen: true, values: info.fields.map((one) => [one.name, nameOf("field", one.name)] as const) }}
          value={name}
          onInput={(next) => {
            setName(next);
            setValue("");
          }}
        />
        <Field
          key={name}
          field={{
            name: "value",
            label: tr(["is", "값"]),
            kind: field?.kind === "choice" || field?.kind === "boolean" ? "choice" : "text",
            values: field?.kind === "boolean" ? [["true", t("yes")], ["false", t("no")]] : (field?.values ?? []).map((one) => [one, glossOf(one)] as const),
          }}
          value={value}
          onInput={setValue}
        />
        <Button submit>{tr(["Apply", "적용"])}</Button>
      </form>
      {active.length > 0 && (
        <ul class="row" aria-label={tr(["Filters", "필터"])}>
          {active.map(([key, text]) => (
            <li key={key} class="chip">
              {nameOf("field", key.slice(2))} = {glossOf(text)}
              <button type="button" class="x" aria-label={tr(["Remove the filter {name}", "{name} 필터 지우기"], { name: nameOf("field", key.slice(2)) })} onClick={() => adjust({ [key]: null, page: null })}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function SortHead({ field, sort }: { field: FieldInfo; sort: string }) {
  const [by, way] = sort.split(",");
  const active = by === field.name;
  const next = active && way !== "desc" ? "desc" : "asc";
  return (
    <th scope="col" role="columnheader" class={isNumber(field) ? "num" : ""} aria-sort={active ? (way === "desc" ? "descending" : "ascending") : "none"}>
      <button type="button" class="sort" onClick={() => adjust({ sort: `${field.name},${next}`, page: null })}>
        <Named kind="field" name={field.name} short />
        <span aria-hidden="true">{active ? (way === "desc" ? " ▾" : " ▴") : ""}</span>
      </button>
    </th>
  );
}

function ListTable({ info, rows, sort }: { info: CollectionInfo; rows: readonly Row[]; sort: string }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={nameOf("collection", info.name, info.system)}>
      <table class="cards sorted" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {info.fields.map((field) => (
              <SortHead key={field.name} field={field} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} data-row={rowKey(row)} role="row">
              {info.fields.map((field, i) => (
                <td key={field.name} role="cell" class={isNumber(field) ? "num" : ""} data-label={nameOf("field", field.name)}>
                  {i === 0 ? (
                    <a href={`#/data${info.path}/${rowKey(row)}`}>
                      <Value name={field.name} value={row[field.name]} status={field.kind === "choice"} />
                    </a>
                  ) : (
                    <Value name={field.name} value={row[field.name]} status={field.kind === "choice"} />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Collection({ info }: { info: CollectionInfo }) {
  const [creating, setCreating] = useState(false);
  const params = query.value;
  const sort = params.get("sort") ?? "";
  const page = Number(params.get("page") ?? 0);
  const filter: Record<string, string> = {};
  for (const [key, value] of params) if (key.startsWith("f.")) filter[key.slice(2)] = value;
  const shown = useList(info.path, { size: 20, page: page > 0 ? page : null, sort, ...filter }, true);
  return (
    <>
      <nav class="crumbs" aria-label={tr(["Where you are", "현재 위치"])}>
        <a href="#/data">{t("data")}</a> / {systemName(info.system)}
      </nav>
      <PageHead title={nameOf("collection", info.name, info.system)} name={labelOf("collection", info.name, info.system) !== null && info.name}>
        {info.create !== null && (
          <Button kind="main" onClick={() => setCreating(true)} id="create">
            {t("new")}
          </Button>
        )}
      </PageHead>
      <Card>
        <Filters key={info.path} info={info} />
        <Await shown={shown}>
          {(list) => (
            <>
              {list.rows.length === 0 ? <Empty /> : <ListTable info={info} rows={list.rows} sort={sort || `${info.fields[0]?.name},asc`} />}
              <Pager page={list.number} pages={list.pages} total={list.total} onPage={(to) => adjust({ page: to > 0 ? String(to) : null })} />
            </>
          )}
        </Await>
      </Card>
      {creating && info.create !== null && (
        <FormDialog
          title={`${t("new")}: ${nameOf("collection", info.name, info.system)}`}
          onClose={() => setCreating(false)}
          id="create-form"
          fields={info.create.map((field) => specOf(field))}
          call={(body) => ({ method: "POST", path: info.path, body })}
          submit={t("add")}
          onDone={(data) => go(`/data${info.path}/${rowKey(data as Row)}`)}
          showCurl
        />
      )}
    </>
  );
}

export function Data({ path }: { path: string[] }) {
  useEffect(() => void describe(), []);
  const [, system, name, id] = path;
  if (collections.value === null) {
    return (
      <>
        <PageHead title={t("data")} />
        {problem.value ? <ProblemBox problem={problem.value} again={() => void describe()} /> : <Loading />}
      </>
    );
  }
  if (system === undefined || name === undefined) return <Overview all={collections.value} />;
  const info = find(system, name);
  if (info === undefined) {
    return (
      <>
        <PageHead title={t("notFound")} />
        <Empty title={<code>{`${system}/${name}`}</code>}>
          <a href="#/data">{t("data")}</a>
        </Empty>
      </>
    );
  }
  if (id !== undefined) return <ItemPage key={`${info.path}/${id}`} info={info} id={id} />;
  return <Collection key={info.path} info={info} />;
}
