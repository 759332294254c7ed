/*
 * A line chart over time by uPlot, which is loaded when the first one is shown. What it shows stands
 * below as text, too: the newest value of each line.
 */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { theme } from "../theme";
import { language, time } from "../i18n";

export type Line<P> = readonly [label: string, value: (point: P) => number | null];

const colours = ["--chart-1", "--chart-2", "--chart-3", "--chart-4"];
const HEIGHT = 190;

interface Props<P> {
  points: readonly P[];
  lines: readonly Line<P>[];
  format: (value: number) => string;
  label: string;
}

export function Chart<P extends { at: number }>({ points, lines, format, label }: Props<P>) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = () =>
    [points.map((p) => p.at), ...lines.map(([, value]) => points.map((p) => value(p)))] as unknown as uPlot.AlignedData;

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
        font: "12px system-ui, sans-serif",
      };
      plot.current = new Plot(
        {
          width: into.clientWidth,
          height: HEIGHT,
          legend: { show: false },
          cursor: { show: false },
          padding: [8, 8, 0, 0],
          scales: { y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
          axes: [{ ...axis, space: 80, size: 30, values: (_u, ticks) => ticks.map((tick) => time(tick * 1000)) }, { ...axis, size: 62, values: (_u, ticks) => ticks.map((tick) => format(tick)) }],
          series: [
            {},
            ...lines.map((_, i) => ({
              stroke: colour(colours[i % colours.length]!),
              fill: faint(colour(colours[i % colours.length]!)),
              width: 2,
              spanGaps: true,
              points: { show: false },
            })),
          ],
        },
        data(),
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
    plot.current?.setData(data());
  }, [points]);

  const last = points[points.length - 1];
  return (
    <figure class="chart">
      <div ref={place} class="chart-place" role="img" aria-label={label} />
      <figcaption>
        {lines.map(([name, value], i) => {
          const now = last === undefined ? null : value(last);
          return (
            <span key={name} class="key">
              <span class="swatch" style={{ background: `var(${colours[i % colours.length]})` }} aria-hidden="true" />
              {name} <strong>{now === null ? "–" : format(now)}</strong>
            </span>
          );
        })}
      </figcaption>
    </figure>
  );
}

/* "rgb(1, 2, 3)", as the colour of the area below a line. */
const faint = (colour: string) => colour.replace("rgb(", "rgba(").replace(")", ", 0.07)");

/* light-dark(…) as a colour that a canvas understands. */
function resolve(into: HTMLElement, colour: string): string {
  const probe = document.createElement("span");
  probe.style.color = colour;
  into.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
