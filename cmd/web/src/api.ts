/*
 * Calls to the node that served this page. Every answer is a value: what came, or a problem (RFC 9457).
 */
import { signal } from "@preact/signals";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type Row = { [name: string]: Json } & { _links?: Links };
export type Links = { [rel: string]: { href: string } };
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface FieldError {
  field: string;
  message: string;
}

export interface Problem {
  status: number; // 0: nobody answered.
  title: string;
  detail: string;
  instance?: string;
  errors?: FieldError[];
}

export interface Call {
  method: Method;
  path: string;
  body?: Json;
}

export interface Answer<T = Json> {
  ok: boolean;
  status: number;
  data: T;
  problem: Problem | null;
  partial: string | null; // "nodes 1": these could not be asked.
  ms: number;
  location: string | null;
}

/* False after a call that nobody answered, until one is answered again. */
export const reachable = signal(true);

function problemOf(status: number, text: string, data: Json): Problem {
  if (data !== null && typeof data === "object" && !Array.isArray(data) && "title" in data)
    return data as unknown as Problem;
  return { status, title: `HTTP ${status}`, detail: text.slice(0, 400) };
}

function parse(text: string): Json {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

export async function send<T = Json>(call: Call, signal?: AbortSignal): Promise<Answer<T>> {
  const began = performance.now();
  const headers: Record<string, string> = { Accept: "application/hal+json, application/json" };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  // Repeating it is safe, should the answer get lost.
  if (call.method !== "GET") headers["Idempotency-Key"] = newKey();
  const init: RequestInit = { method: call.method, headers, cache: "no-store" };
  if (call.body !== undefined) init.body = JSON.stringify(call.body);
  if (signal !== undefined) init.signal = signal;
  try {
    let response = await once(call.path, init);
    // Gone away in the middle or not there yet: the same command again, by its key.
    for (let i = 0; i < 4 && response.status === 503; i++) {
      await new Promise((resolve) => setTimeout(resolve, 250 << i));
      response = await once(call.path, init);
    }
    const text = await response.text();
    const data = parse(text);
    reachable.value = true;
    return {
      ok: response.ok,
      status: response.status,
      data: data as T,
      problem: response.ok ? null : problemOf(response.status, text, data),
      partial: response.headers.get("Dure-Partial"),
      ms: performance.now() - began,
      location: response.headers.get("Location"),
    };
  } catch (error) {
    if (signal?.aborted) throw error;
    reachable.value = false;
    return {
      ok: false,
      status: 0,
      data: null as T,
      problem: { status: 0, title: "offline", detail: String(error) },
      partial: null,
      ms: performance.now() - began,
      location: null,
    };
  }
}

/* A connection may lead to a node that has just died; the next one leads to another. */
async function once(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return fetch(path, init);
  }
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* 'it'"'"'s' as a word of a shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}

/* The line that does the same from a terminal. */
export function curl(call: Call): string {
  const parts = ["curl"];
  if (call.method !== "GET" && !(call.method === "POST" && call.body !== undefined))
    parts.push("-X", call.method);
  parts.push(quote(location.origin + encodeURI(call.path)));
  if (call.body !== undefined)
    parts.push("-H", "'Content-Type: application/json'", "-d", quote(JSON.stringify(call.body)));
  return parts.join(" ");
}

export interface Page {
  rows: Row[];
  total: number;
  pages: number;
  number: number;
}

interface Hal {
  _embedded?: { [name: string]: Row[] };
  page?: { totalElements: number; totalPages: number; number: number };
}

export function pageOf(data: Json): Page {
  const hal = data as unknown as Hal;
  const rows = Object.values(hal._embedded ?? {})[0] ?? [];
  return {
    rows,
    total: hal.page?.totalElements ?? rows.length,
    pages: hal.page?.totalPages ?? 1,
    number: hal.page?.number ?? 0,
  };
}
