/* Light or dark: the system's choice until somebody makes another. */
import { signal } from "@preact/signals";
import { keep, recall } from "./i18n";

export type Theme = "auto" | "light" | "dark";

const kept = recall("dure.theme");
export const theme = signal<Theme>(kept === "light" || kept === "dark" ? kept : "auto");

theme.subscribe((value) => {
  document.documentElement.dataset.theme = value;
  keep("dure.theme", value);
});
