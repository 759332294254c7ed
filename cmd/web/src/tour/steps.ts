/*
 * The guided tours: each a scenario of one system, call by call. What a call needs of earlier answers
 * lies in `kept`; before they are there, a word in its place says what it will be.
 */
import type { Call, Json, Row } from "../api";
import { pageOf } from "../api";
import type { Text } from "../i18n";

export type Kept = Record<string, number | string>;

export interface Step {
  title: Text;
  why: Text;
  call: (kept: Kept) => Call;
  keep?: (kept: Kept, data: Json) => void; // Notes what later steps need.
  until?: (data: Json) => boolean; // A GET is repeated until then: effects may take a moment.
  refused?: number; // The status that is expected, where it is a refusal.
}

export const idOf = (data: Json): number => Number((data as Row).id);
export const firstOf = (data: Json): Row | undefined => pageOf(data).rows[0];
export const some = (data: Json): boolean => pageOf(data).rows.length > 0;

export const get = (path: string): Call => ({ method: "GET", path });
export const put = (path: string, body?: Json): Call =>
  body === undefined ? { method: "PUT", path } : { method: "PUT", path, body };
export const post = (path: string, body: Json): Call => ({ method: "POST", path, body });
