/* Events as they happen, the newest first. */
import type { Json } from "../api";
import { listPath, useGet } from "../data";
import { systemName, t, time, tr } from "../i18n";
import { type LiveEvent, recent } from "../live";
import { nameOf } from "../names";
import { Card, Named } from "./basics";
import { Value } from "./value";

export function eventName(event: LiveEvent): string {
  return event.type.split(".")[2] ?? event.type;
}

/* The path of an aggregate, as a page of the console. */
export function pageOfSource(source: string): string {
  const parts = source.split("/").filter(Boolean);
  return `#/data/${parts.join("/")}`;
}

/* What an event says, without what stands beside it anyway. */
export function EventData({ event }: { event: LiveEvent }) {
  return (
    <dl class="chips">
      {Object.entries(event.data)
        .filter(([name, value]) => name !== "eventType" && name !== "timestamp" && value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>
              <Named kind="field" name={name} short />
            </dt>
            <dd>
              <Value name={name} value={value as Json} />
            </dd>
          </div>
        ))}
    </dl>
  );
}

const NEW_MS = 5000;

/* It comes before one's eyes; what was there before one came does not. */
function isNew(event: LiveEvent): boolean {
  return Date.now() - Date.parse(event.time) < NEW_MS;
}

export function Feed({ events, details }: { events: readonly LiveEvent[]; details?: boolean }) {
  return (
    <ol class={`feed${details ? "" : " narrow"}`}>
      {events.map((event) => {
        const [system, aggregate] = event.type.split(".");
        return (
          <li key={event.id} data-event={eventName(event)} class={isNew(event) ? "arrives" : ""}>
            <time class="faint">{time(event.time)}</time>
            <span class="feed-name">
              <span class={`sys sys-${system}`}>{systemName(system ?? "")}</span>
              <strong>
                <Named kind="event" name={eventName(event)} system={system} short={!details} />
              </strong>
            </span>
            <a href={pageOfSource(event.source)}>
              {nameOf("item", aggregate ?? "", system)} {event.source.split("/").pop()}
            </a>
            {details && <EventData event={event} />}
          </li>
        );
      })}
    </ol>
  );
}

const SHOWN = 4;
const eventsOf = (data: Json) => (data as unknown as { events: LiveEvent[] }).events;

/* Beside the screens of a system: what happens in it. */
export function SystemFeed({ system }: { system: string }) {
  const here = recent.value.filter((event) => event.type.startsWith(`${system}.`));
  // Where other systems are so busy that the newest are all theirs.
  const asked = useGet(here.length < SHOWN ? listPath("/events", { from: "last", topic: `${system}.`, max: SHOWN }) : null, eventsOf);
  const known = new Set(here.map((event) => event.id));
  const past = (asked.value ?? []).filter((event) => !known.has(event.id));
  const events = [...here, ...past].sort((a, b) => Date.parse(b.time) - Date.parse(a.time)).slice(0, SHOWN);
  return (
    <Card title={tr(["Happening now", "지금 일어나는 일"])} id="happening" actions={<a href="#/events">{t("events")}</a>}>
      {events.length === 0 ? <p class="faint">{tr(["Quiet for now. Do something, and it appears here.", "아직 조용합니다. 무언가를 하면 여기에 나타납니다."])}</p> : <Feed events={events} />}
    </Card>
  );
}
