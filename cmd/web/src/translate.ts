/*
 * What a node said, in the language of the page: statuses by statuses.ts, sentences by the catalogue in
 * sentences.ts. What neither knows is shown as it came; who shows it keeps the words as they came in
 * reach (Said, ProblemBox).
 */
import { descriptions } from "./descriptions";
import { language, number } from "./i18n";
import { type Kind, nameOf } from "./names";
import { type Sentence, sentences } from "./sentences";
import { glossOf, isStatus } from "./statuses";

interface Pattern {
  matches: RegExp;
  row: Sentence;
  words: number; // Characters of its own: of two that match, the one with more is meant.
}

const HOLE = /%(?:[.\d*]*s|l*[dux])/g;
const SAME = "=";

type Found = readonly [row: Sentence, holes: string[]];

/* A catalogue to look up in: first as a whole, then by patterns, those with most words first. */
function reader(rows: readonly Sentence[], word: string): (text: string) => Found | null {
  const whole = new Map<string, Sentence>();
  const patterns: Pattern[] = [];
  for (const row of rows) {
    if (row[0].search(HOLE) < 0) whole.set(row[0], row);
    else patterns.push(patternOf(row, word));
  }
  patterns.sort((a, b) => b.words - a.words);
  const find = (text: string): Found | null => {
    const row = whole.get(text);
    if (row !== undefined) return [row, []];
    for (const { matches, row, words } of patterns) {
      const holes = matches.exec(text)?.slice(1);
      if (holes === undefined) continue;
      // "quantity is required": a row that is all holes fits anything, so what it holds must be known.
      if (words === 0 && (!/^\w+$/.test(holes[0]!) || find(holes[1]!) === null)) continue;
      return [row, holes];
    }
    return null;
  };
  return find;
}

/* `word`: what a %s may be. */
function patternOf(row: Sentence, word: string): Pattern {
  const parts = row[0].split(HOLE).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // A word right behind another comes with its comma or colon, or not at all: "%s%s".
  const holes = row[0].match(HOLE)!.map((hole, i) =>
    !hole.endsWith("s") ? "(-?\\d+)" : i > 0 && parts[i] === "" ? "((?:[,:] .*)?)" : word,
  );
  const matches = new RegExp(`^${parts.map((part, i) => part + (holes[i] ?? "")).join("")}$`, "s");
  return { matches, row, words: row[0].replace(HOLE, "").trim().length };
}

const findSentence = reader(sentences, "(.*?)");
const findDescription = reader(descriptions, "(\\S+)"); // Names only.

const ENDS_IN_CONSONANT = /[013678lmnr]$/i;

/* [이/가] after a word: which of them its last sound asks for. */
function particles(text: string): string {
  return text.replace(/([가-힣\w])([^가-힣\w[]*)\[([가-힣]+)\/([가-힣]+)\]/g, (_, last: string, between: string, closed: string, open: string) => {
    const code = last.charCodeAt(0) - 0xac00;
    return `${last}${between}${(code >= 0 ? code % 28 > 0 : ENDS_IN_CONSONANT.test(last)) ? closed : open}`;
  });
}

function filled(hole: string, kind: string | undefined): string {
  if (kind === "n") return number(Number(hole));
  if (kind === "list") return hole.split(", ").map(glossOf).join(", ");
  if (kind === "command") return nameOf(kind, language.value === "ko" ? hole.toLowerCase() : hole);
  if (kind !== undefined) return nameOf(kind as Kind, hole);
  return said(hole);
}

function tell([row, holes]: Found): string {
  const words = row[language.value === "ko" ? 2 : 1];
  let next = 0;
  if (words === SAME) return row[0].replace(HOLE, () => said(holes[next++] ?? ""));
  const text = words.replace(/\{(\d)(?::(\w+))?\}/g, (_, i: string, kind?: string) => filled(holes[Number(i) - 1] ?? "", kind));
  // "Rejected: ", without a reason.
  const whole = holes.at(-1) === "" ? text.replace(/: $/, "") : text;
  return language.value === "ko" ? particles(whole) : whole;
}

export function said(text: string): string {
  if (isStatus(text)) return glossOf(text);
  const found = findSentence(text);
  if (found !== null) return tell(found);
  const behind = /^([,:] )(.+)$/s.exec(text);
  return behind === null ? text : behind[1]! + said(behind[2]!);
}

/* What /openapi.json says. Of a refusal, "title: sentence; sentence". */
export function described(text: string): string {
  const [title, rest] = text.split(/: (.*)/s);
  if (title !== undefined && findSentence(title) !== null)
    return said(title) + (rest === undefined ? "" : `: ${rest.split("; ").map(said).join("; ")}`);
  const found = findDescription(text);
  return found === null ? text : tell(found);
}
