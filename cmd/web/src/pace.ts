/*
 * How often what is shown is read again: changes may come faster than anybody can look. A list is read
 * some three times a second at most, the whole page ten times; a first burst (the page has just come, or
 * came back) is read at once.
 */
const LIST_MS = 350;
const PAGE_PER_S = 10;
const BURST = 30;

let left = BURST; // Below 0: so many wait.
let counted = 0;

/* Takes the next turn of the page; the time until it is due. */
function turn(now: number): number {
  left = Math.min(BURST, left + ((now - counted) / 1000) * PAGE_PER_S) - 1;
  counted = now;
  return left >= 0 ? 0 : (-left / PAGE_PER_S) * 1000;
}

export interface Paced {
  ask: (afterMs?: number) => void; // However often: it is read once, and not before its turn.
  stop: () => void;
}

export function paced(read: () => void): Paced {
  let timer = 0;
  let due = 0;
  let last = -LIST_MS;
  return {
    ask(afterMs = 0) {
      const now = performance.now();
      const earliest = Math.max(now + afterMs, last + LIST_MS);
      if (timer !== 0 && due <= earliest) return;
      clearTimeout(timer);
      due = Math.max(earliest, now + turn(now));
      timer = window.setTimeout(() => {
        timer = 0;
        last = performance.now();
        read();
      }, due - now);
    },
    stop: () => clearTimeout(timer),
  };
}
