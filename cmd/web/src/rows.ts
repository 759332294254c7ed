/* Items as they come: their id is what their self link ends in, whatever the field is called. */
import type { Row } from "./api";

export function rowKey(row: Row): string {
  return row._links?.self?.href.split("/").pop() ?? String(row.id ?? "");
}

/* True while the present state allows the command: the item links to it. */
export function may(row: Row, command: string): boolean {
  return row._links?.[command] !== undefined;
}

/* "http://host/shop/orders/1/cancel" → "/shop/orders/1/cancel" */
export function pathOf(href: string): string {
  return href.replace(/^https?:\/\/[^/]+/, "");
}
