/* Which systems this node serves: GET / says so in its links ("shop/orders"). */
import { computed, signal } from "@preact/signals";
import { type Links, send } from "./api";

/* "shop/orders", as the API has them; null until known. */
export const collections = signal<string[] | null>(null);

export const served = computed(() =>
  collections.value === null ? null : [...new Set(collections.value.map((name) => name.split("/")[0] ?? ""))],
);

async function ask(): Promise<void> {
  const answer = await send<{ _links: Links }>({ method: "GET", path: "/" });
  if (answer.ok) collections.value = Object.keys(answer.data._links).filter((name) => name.includes("/"));
  else setTimeout(ask, 1000);
}

void ask();
