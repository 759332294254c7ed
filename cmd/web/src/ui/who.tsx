/* Which person one is for the moment: systems know their users by number. Kept in the browser. */
import { type Signal, signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { keep, recall } from "../i18n";

const people = new Map<string, Signal<number>>();

function of(system: string): Signal<number> {
  let person = people.get(system);
  if (person === undefined) {
    person = signal(Number(recall(`dure.who.${system}`)) || 1);
    people.set(system, person);
  }
  return person;
}

export function who(system: string): number {
  return of(system).value;
}

export function become(system: string, value: number): void {
  of(system).value = value;
  keep(`dure.who.${system}`, String(value));
}

export function Who({ system, label }: { system: string; label: string }) {
  const id = useId();
  const step = (by: number) => become(system, Math.max(1, who(system) + by));
  return (
    <div class="who">
      <label for={id}>{label}</label>
      <div class="stepper">
        <button type="button" onClick={() => step(-1)} aria-label={`${label} −1`} disabled={who(system) <= 1}>
          −
        </button>
        <input
          id={id}
          type="text"
          inputMode="numeric"
          value={who(system)}
          onChange={(event) => {
            const value = Number(event.currentTarget.value);
            if (Number.isSafeInteger(value) && value > 0) become(system, value);
            else event.currentTarget.value = String(who(system));
          }}
          data-id={`who-${system}`}
        />
        <button type="button" onClick={() => step(1)} aria-label={`${label} +1`}>
          +
        </button>
      </div>
    </div>
  );
}
