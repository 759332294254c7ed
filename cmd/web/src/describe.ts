/*
 * What the node can do, as it says itself: the collections of /openapi.json with their fields, commands
 * and what may be created, edited or removed. The generic screens are made from this alone.
 */
import { signal } from "@preact/signals";
import { type Json, type Problem, send } from "./api";

export type Kind = "text" | "number" | "boolean" | "date" | "choice";

export interface FieldInfo {
  name: string;
  kind: Kind;
  values: string[]; // Of a choice.
  required: boolean;
  readOnly: boolean;
  example?: Json;
}

export interface CommandInfo {
  name: string; // The link's rel, and the last part of the path.
  summary: string;
  removes: boolean; // After it there is no item.
  fields: FieldInfo[];
}

export interface CollectionInfo {
  system: string;
  name: string;
  path: string; // "/shop/orders"
  fields: FieldInfo[];
  create: FieldInfo[] | null;
  edit: FieldInfo[] | null;
  removable: boolean;
  commands: CommandInfo[];
}

export interface OperationInfo {
  id: string;
  tag: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  parameters: { name: string; in: string; description: string }[];
  body: Json | undefined; // An example.
  fields: FieldInfo[]; // Of the body.
  answers: { status: string; description: string }[];
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: (string | null)[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  readOnly?: boolean;
  default?: Json;
}

interface Content {
  [type: string]: { schema?: Schema; example?: Json; examples?: Record<string, { value: Json }> };
}

interface Operation {
  operationId?: string;
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: ({ $ref?: string } & { name: string; in: string; description?: string })[];
  requestBody?: { content: Content };
  responses?: Record<string, { $ref?: string; description?: string; content?: Content }>;
}

interface Document {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
}

export const collections = signal<CollectionInfo[] | null>(null);
export const operations = signal<OperationInfo[]>([]);
export const problem = signal<Problem | null>(null);

/* "#/components/schemas/shop.order" → that part of the document. */
function resolve<T extends { $ref?: string }>(document: Document, part: T | undefined): T | undefined {
  let found: unknown = part;
  for (let i = 0; i < 8; i++) {
    const ref = (found as T | undefined)?.$ref;
    if (ref === undefined) break;
    found = ref
      .slice(2)
      .split("/")
      .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name.replace(/~1/g, "/").replace(/~0/g, "~")], document);
  }
  return found as T | undefined;
}

function kindOf(schema: Schema): Kind {
  const types = [schema.type ?? []].flat();
  if (schema.enum !== undefined) return "choice";
  if (schema.format?.startsWith("date") || schema.anyOf?.some((one) => one.format?.startsWith("date"))) return "date";
  if (types.includes("integer") || types.includes("number")) return "number";
  if (types.includes("boolean")) return "boolean";
  return "text";
}

function fieldsOf(document: Document, schema: Schema | undefined): FieldInfo[] {
  const object = resolve(document, schema);
  return Object.entries(object?.properties ?? {})
    .filter(([name]) => !name.startsWith("_"))
    .map(([name, part]) => {
      const one = resolve(document, part) ?? {};
      return {
        name,
        kind: kindOf(one),
        values: (one.enum ?? []).filter((value): value is string => value !== null),
        required: object?.required?.includes(name) === true,
        readOnly: one.readOnly === true,
        ...(one.default !== undefined ? { example: one.default } : {}),
      };
    });
}

function bodyOf(document: Document, operation: Operation | undefined): FieldInfo[] | null {
  if (operation === undefined) return null;
  const content = Object.entries(operation.requestBody?.content ?? {}).find(([type]) => type.endsWith("json") && !type.includes("nd"));
  return fieldsOf(document, content?.[1].schema);
}

/* A collection's GET answers a page of items; an item's GET answers one. */
function answerOf(document: Document, operation: Operation | undefined): Schema | undefined {
  const answer = resolve(document, operation?.responses?.["200"]);
  return resolve(document, Object.values(answer?.content ?? {})[0]?.schema);
}

function read(document: Document): CollectionInfo[] {
  const found: CollectionInfo[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    const match = /^\/([^/{}]+)\/([^/{}]+)$/.exec(path);
    const system = match?.[1];
    const name = match?.[2];
    if (system === undefined || name === undefined || item.get?.tags?.[0] !== system) continue;
    const below = Object.entries(document.paths).filter(([other]) => other.startsWith(`${path}/{`));
    const one = below.find(([other]) => other.endsWith("}"))?.[1];
    if (one === undefined) continue;
    found.push({
      system,
      name,
      path,
      fields: fieldsOf(document, answerOf(document, one.get)),
      create: bodyOf(document, item.post),
      edit: bodyOf(document, one.patch),
      removable: one.delete !== undefined,
      commands: below
        .filter(([other, methods]) => /\}\/[^/]+$/.test(other) && methods.put !== undefined)
        .map(([other, methods]) => ({
          name: other.split("/").pop()!,
          summary: methods.put!.summary ?? "",
          removes: methods.put!.responses?.["204"] !== undefined,
          fields: bodyOf(document, methods.put) ?? [],
        })),
    });
  }
  return found;
}

function exampleOf(operation: Operation): Json | undefined {
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    if (type.includes("nd")) continue;
    const example = content.example ?? Object.values(content.examples ?? {})[0]?.value;
    if (example !== undefined) return example;
  }
  return undefined;
}

function list(document: Document): OperationInfo[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => ["get", "post", "put", "patch", "delete"].includes(method))
      .map(([method, operation]) => ({
        id: operation.operationId ?? `${method} ${path}`,
        tag: operation.tags?.[0] ?? "",
        method: method.toUpperCase(),
        path,
        summary: operation.summary ?? "",
        description: operation.description ?? "",
        parameters: (operation.parameters ?? []).map((parameter) => {
          const one = resolve(document, parameter) ?? parameter;
          return { name: one.name, in: one.in, description: one.description ?? "" };
        }),
        body: exampleOf(operation),
        fields: bodyOf(document, operation) ?? [],
        answers: Object.entries(operation.responses ?? {}).map(([status, answer]) => ({
          status,
          description: resolve(document, answer)?.description ?? "",
        })),
      })),
  );
}

let asked = false;

export async function describe(): Promise<void> {
  if (asked) return;
  asked = true;
  const answer = await send<Document>({ method: "GET", path: "/openapi.json" });
  problem.value = answer.problem;
  if (answer.ok) {
    collections.value = read(answer.data);
    operations.value = list(answer.data);
    return;
  }
  asked = false;
}

export function find(system: string, name: string): CollectionInfo | undefined {
  return collections.value?.find((one) => one.system === system && one.name === name);
}
