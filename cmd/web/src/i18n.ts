/*
 * Two languages. A text is an entry [English, Korean], either in the dictionary below (t) or in place
 * (tr), where it is data of a screen. The browser's language decides until somebody chooses.
 */
import { computed, signal } from "@preact/signals";
import { words } from "./words";

export type Language = "en" | "ko";
export type Text = readonly [en: string, ko: string];
export type Word = keyof typeof words;
type Values = Record<string, string | number>;

function first(): Language {
  const kept = recall("dure.language");
  if (kept === "en" || kept === "ko") return kept;
  for (const name of navigator.languages ?? [navigator.language]) {
    if (name.startsWith("ko")) return "ko";
    if (name.startsWith("en")) return "en";
  }
  return "en";
}

/* Storage may be forbidden; then nothing is kept. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // As said above.
  }
}

export const language = signal<Language>(first());

language.subscribe((value) => {
  document.documentElement.lang = value;
});

export function choose(value: Language): void {
  language.value = value;
  keep("dure.language", value);
}

export function tr(text: Text, values?: Values): string {
  const words = text[language.value === "ko" ? 1 : 0];
  if (values === undefined) return words;
  return words.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

export function t(word: Word, values?: Values): string {
  return tr(words[word], values);
}

export function systemName(system: string): string {
  return ["shop", "food", "bike", "secondhand", "dr", "notify"].includes(system) ? t(system as "shop") : system;
}

const locale = computed(() => (language.value === "ko" ? "ko-KR" : "en-US"));
const numbers = computed(() => new Intl.NumberFormat(locale.value));
const compact = computed(
  () => new Intl.NumberFormat(locale.value, { notation: "compact", maximumSignificantDigits: 3 }),
);
const times = computed(
  () => new Intl.DateTimeFormat(locale.value, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
);
const clocks = computed(
  () => new Intl.DateTimeFormat(locale.value, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
);
const moments = computed(
  () => new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium" }),
);

const units = computed(() => {
  const made = new Map<string, Intl.NumberFormat>();
  return (unit: string, whole: boolean) => {
    const key = `${unit} ${whole}`;
    const digits = whole ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 2 };
    const format = made.get(key) ?? new Intl.NumberFormat(locale.value, { style: "unit", unit, ...digits });
    made.set(key, format);
    return format;
  };
});

/* "12 ms", "1.5 ms", "12 MB": whole, or two digits of what is small. */
export function measure(value: number, unit: string): string {
  return units.value(unit, value >= 10 || value === 0).format(value);
}

export const number = (value: number) => numbers.value.format(value);
export const short = (value: number) => compact.value.format(value);
export const time = (value: number | string) => times.value.format(new Date(value));
export const minutes = (value: number | string) => clocks.value.format(new Date(value)); // "14:05"
export const moment = (value: number | string) => moments.value.format(new Date(value));
export const won = (value: number | null) => (value === null ? "–" : t("won", { n: number(value) }));
