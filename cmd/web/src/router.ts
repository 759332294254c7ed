/*
 * Where we are: everything after the # of the address. The server never sees it, so no page of the
 * console collides with a path of the API.
 */
import { computed, signal } from "@preact/signals";

const read = () => location.hash.replace(/^#\/?/, "");
const hash = signal(read());

addEventListener("hashchange", () => {
  hash.value = read();
});

/* "shop/orders/5?tab=x" → ["shop", "orders", "5"] */
export const path = computed(() =>
  (hash.value.split("?")[0] ?? "").split("/").filter(Boolean).map(decodeURIComponent),
);
export const query = computed(() => new URLSearchParams(hash.value.split("?")[1] ?? ""));

export function go(to: string): void {
  location.hash = to;
}

/* The same page with other parameters; it is no step for the back button. */
export function adjust(changes: Record<string, string | null>): void {
  const next = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  const to = `#/${hash.value.split("?")[0]}${text ? `?${text}` : ""}`;
  history.replaceState(null, "", to);
  hash.value = read();
}
