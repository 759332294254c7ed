/*
 * A line chart over the last minutes by uPlot, which is loaded when the first one is shown. What it
 * shows stands below as text, too: the newest value of each line.
 *
 * Where there is nothing to show is a gap in the line, as in a time of which nobody has a sample; one
 * value between two gaps is a dot. A time that only some of the nodes have is shaded. The window always
 * has its full width, so that nothing moves but the lines.
 */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { theme } from "../theme";
import { language, minutes, time, tr } from "../i18n";

/* null: there is nothing to show of this time, as a percentile of nothing. */
export type Line<P> = readonly [label: string, value: (point: P) => number | null];

interface Sampled {
  at: number; // Seconds since 1970.
  nodes: readonly number[];
}

const colours = ["--chart-1", "--chart-2", "--chart-3", "--chart-4"];
const HEIGHT = 190;
const WINDOW_S = 300;
const INTERVAL_S = 2;
const FONT_PX = 12;

interface Props<P> {
  points: readonly P[];
  end: number; // Seconds since 1970.
  nodes: number; // All there are.
  lines: readonly Line<P>[];
  format: (value: number) => string;
  label: string;
}

type Column = (number | null)[];

function columns<P extends Sampled>(points: readonly P[], lines: readonly Line<P>[]): uPlot.AlignedData {
  const all: Column[] = [[], ...lines.map(() => [])];
  let before = Infinity;
  for (const point of points) {
    if (point.at - before > 1.5 * INTERVAL_S) {
      all[0]!.push(before + INTERVAL_S);
      lines.forEach((_, i) => all[i + 1]!.push(null));
    }
    before = point.at;
    all[0]!.push(point.at);
    lines.forEach(([, value], i) => all[i + 1]!.push(value(point)));
  }
  return all as uPlot.AlignedData;
}

/* Values with nothing on either side, which no line leads to. */
function lonely(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  return found;
}

/* From … to: where a node's numbers are missing. */
function partial(points: readonly Sampled[], nodes: number): [number, number][] {
  const spans: [number, number][] = [];
  for (const point of points) {
    if (point.nodes.length >= nodes) continue;
    const last = spans.at(-1);
    if (last !== undefined && point.at - last[1] <= 1.5 * INTERVAL_S) last[1] = point.at;
    else spans.push([point.at - INTERVAL_S, point.at]);
  }
  return spans;
}

export function Chart<P extends Sampled>({ points, end, nodes, lines, format, label }: Props<P>) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = points.filter((point) => point.at > end - WINDOW_S);
  const now = useRef({ shown, end, nodes, lines });
  now.current = { shown, end, nodes, lines };

  useEffect(() => {
    let over = false;
    let observer: ResizeObserver | undefined;
    void import("uplot").then(({ default: Plot }) => {
      const into = place.current;
      if (over || into === null) return;
      const style = getComputedStyle(document.documentElement);
      const colour = (name: string) => resolve(into, style.getPropertyValue(name));
      const axis = {
        stroke: colour("--soft"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { show: false },
        font: `${FONT_PX}px system-ui, sans-serif`,
      };
      const shade = faint(colour("--bad"), 0.12);
      plot.current = new Plot(
        {
          width: into.clientWidth,
          height: HEIGHT,
          legend: { show: false },
          cursor: { show: false },
          padding: [8, 22, 0, 0], // Half a time's width on the right.
          scales: {
            x: { time: true, range: () => [now.current.end - WINDOW_S, now.current.end] },
            y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
          },
          axes: [
            { ...axis, space: 46, size: 30, incrs: [60, 120, 300], values: (_u, ticks) => ticks.map((tick) => minutes(tick * 1000)) },
            { ...axis, size: (_u, values) => Math.max(34, ...(values ?? []).map(width)) + 12, values: (_u, ticks) => ticks.map((tick) => format(tick)) },
          ],
          hooks: {
            drawClear: [
              (u) => {
                u.ctx.save();
                u.ctx.fillStyle = shade;
                for (const [from, to] of partial(now.current.shown, now.current.nodes)) {
                  const left = Math.max(u.valToPos(from, "x", true), u.bbox.left);
                  u.ctx.fillRect(left, u.bbox.top, u.valToPos(to, "x", true) - left, u.bbox.height);
                }
                u.ctx.restore();
              },
            ],
          },
          series: [
            {},
            ...lines.map((_, i) => ({
              stroke: colour(colours[i % colours.length]!),
              fill: faint(colour(colours[i % colours.length]!), 0.07),
              width: 2,
              points: { show: () => false, size: 4, fill: colour(colours[i % colours.length]!), filter: (u: uPlot, at: number) => lonely(u.data[at]!) },
            })),
          ],
        },
        columns(now.current.shown, now.current.lines),
        into,
      );
      observer = new ResizeObserver(() => plot.current?.setSize({ width: into.clientWidth, height: HEIGHT }));
      observer.observe(into);
    });
    return () => {
      over = true;
      observer?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme.value, language.value]);

  useEffect(() => {
    plot.current?.setData(columns(shown, lines));
  }, [points, end, nodes]);

  const last = shown.at(-1);
  const fresh = last !== undefined && end - last.at < 1.5 * INTERVAL_S ? last : undefined;
  const first = shown[0];
  const gaps = shown.some((point) => point.nodes.length < nodes);
  return (
    <figure class="chart" data-points={shown.length} data-from={first?.at} data-to={last?.at} data-end={end}>
      <div
        ref={place}
        class="chart-place"
        role="img"
        aria-label={first === undefined ? label : tr(["{label}, {from} to {to}", "{label}, {from}부터 {to}까지"], { label, from: time(first.at * 1000), to: time(end * 1000) })}
      />
      <figcaption>
        {lines.map(([name, value], i) => {
          const newest = fresh === undefined ? null : value(fresh);
          return (
            <span key={name} class="key">
              <span class="swatch" style={{ background: `var(${colours[i % colours.length]})` }} aria-hidden="true" />
              {name} <strong>{newest === null ? "–" : format(newest)}</strong>
            </span>
          );
        })}
        {gaps && (
          <span class="key">
            <span class="swatch shaded" aria-hidden="true" />
            {tr(["Some nodes are not in it", "일부 노드 제외"])}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

/* Of a text on the axis: Korean letters are about square. */
const width = (text: string) => [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? FONT_PX : FONT_PX * 0.6), 0);

/* "rgb(1, 2, 3)" as the colour of an area. */
const faint = (colour: string, opacity: number) => colour.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);

/* light-dark(…) as a colour that a canvas understands. */
function resolve(into: HTMLElement, colour: string): string {
  const probe = document.createElement("span");
  probe.style.color = colour;
  into.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
