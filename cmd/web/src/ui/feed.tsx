/* Events as they happen, the newest first. */
import { time } from "../i18n";
import type { LiveEvent } from "../live";

export function eventName(event: LiveEvent): string {
  return event.type.split(".")[2] ?? event.type;
}

/* The path of an aggregate, as a page of the console. */
export function pageOfSource(source: string): string {
  const parts = source.split("/").filter(Boolean);
  return `#/data/${parts.join("/")}`;
}

export function Feed({ events, details }: { events: readonly LiveEvent[]; details?: boolean }) {
  return (
    <ol class="feed">
      {events.map((event) => {
        const [system, aggregate] = event.type.split(".");
        return (
          <li key={event.id} data-event={eventName(event)}>
            <time class="faint">{time(event.time)}</time>
            <span class="feed-name">
              <span class={`sys sys-${system}`}>{system}</span>
              <strong>{eventName(event)}</strong>
            </span>
            <a href={pageOfSource(event.source)}>
              {aggregate} {event.source.split("/").pop()}
            </a>
            {details && <code class="feed-data">{JSON.stringify(event.data)}</code>}
          </li>
        );
      })}
    </ol>
  );
}
