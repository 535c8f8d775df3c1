// One chart of the feed: crosshair shared with the others, a legend that is also the reading under the crosshair, and a summary in words and numbers.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

import "uplot/dist/uPlot.min.css";
import type { Language } from "../language";
import "../parts/plot.css";
import { useWords } from "../text";
import { emptyFrame, type Points } from "./board";
import type { ChartPlan, Line } from "./charts";
import type { Feed, Range } from "./feed";
import { paintEachSecond } from "./painter";
import { opsText } from "./text";
import { shown } from "./units";

const HEIGHT = 176;
const SYNC = "ops";
/** Nothing that is measured here is shorter. */
const LEAST_MS = 0.01;

export interface Look {
  readonly feed: Feed;
  readonly range: Range;
  readonly node: string;
}

export function Chart(props: { plan: ChartPlan; look: Look }) {
  const { language } = useWords();
  const o = opsText.use();
  const { plan } = props;
  const { feed, range, node } = props.look;
  const place = useRef<HTMLDivElement>(null);
  const values = useRef<HTMLUListElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [summary, setSummary] = useState<readonly (readonly string[])[]>();
  const frame = useMemo(() => emptyFrame(plan.lines.length, feed.board(range).capacity), [plan, feed, range]);
  const series = useMemo(() => plan.lines.map((line) => line.series), [plan]);
  const isHidden = useRef(hidden);
  isHidden.current = hidden;

  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    let seen = true;
    const paint = (): void => {
      feed.board(range).fill(frame, series, node, feed.endMs(range));
      if (plan.log === true) floor(frame);
      chart.current?.setData(frame as uPlot.AlignedData);
      write(values.current, chart.current, frame, plan, language);
    };
    const draw = (): void => {
      chart.current?.destroy();
      const style = getComputedStyle(box);
      const ink = (token: string): string => style.getPropertyValue(`--${token}`).trim();
      const options = optionsOf(plan, language, ink, range, () => write(values.current, chart.current, frame, plan, language));
      chart.current = new uPlot({ ...options, width: Math.max(1, box.clientWidth), height: HEIGHT }, frame as uPlot.AlignedData, box);
      for (const at of isHidden.current) chart.current.setSeries(at + 1, { show: false }, false);
      paint();
    };
    draw();
    const night = matchMedia("(prefers-color-scheme: dark)");
    night.addEventListener("change", draw);
    const size = new ResizeObserver(() => chart.current?.setSize({ width: Math.max(1, box.clientWidth), height: HEIGHT }));
    size.observe(box);
    const sight = new IntersectionObserver(([entry]) => {
      const before = seen;
      seen = entry?.isIntersecting ?? true;
      // It comes into view with what is now, not with what was when it left.
      if (seen && !before) paint();
    });
    sight.observe(box);
    const end = paintEachSecond({ paint, seen: () => seen });
    return () => {
      end();
      sight.disconnect();
      size.disconnect();
      night.removeEventListener("change", draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [plan, feed, range, node, frame, series, language]);

  const toggle = (at: number): void => {
    const next = new Set(hidden);
    if (!next.delete(at)) next.add(at);
    setHidden(next);
    chart.current?.setSeries(at + 1, { show: !next.has(at) }, false);
  };
  const titled = o.charts[plan.id];
  return (
    <figure class="gauge" data-testid={`chart-${plan.id}`}>
      <figcaption>
        <h3>{titled}</h3>
        <span class="hint">{o.units[plan.unit]}</span>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
      <ul ref={values} class="gauge-legend" aria-label={o.legend(titled)}>
        {plan.lines.map((line, at) => (
          <li key={line.series}>
            <button type="button" class="gauge-line" aria-pressed={!hidden.has(at)} onClick={() => toggle(at)}>
              <Mark line={line} />
              <span>{o.lines[line.name]}</span>
              <b data-value={line.series}>–</b>
            </button>
          </li>
        ))}
      </ul>
      <details class="gauge-table" onToggle={(event) => setSummary(event.currentTarget.open ? summed(frame, plan, o.lines, language) : undefined)}>
        <summary>{o.asTable}</summary>
        {summary !== undefined && (
          <table class="plain-table">
            <caption class="unseen">{titled}</caption>
            <thead>
              <tr>
                {[o.line, o.now, o.lowest, o.highest].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {summary.map(([name, ...cells]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {cells.map((cell, at) => (
                    <td key={at}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </details>
    </figure>
  );
}

function Mark(props: { line: Line }) {
  const { line } = props;
  return (
    <svg class="gauge-mark" data-ink={line.ink} width="22" height="10" viewBox="0 0 22 10" aria-hidden="true">
      <line x1="1" x2="21" y1="5" y2="5" stroke="currentColor" stroke-width={line.width ?? 2} stroke-dasharray={line.dash?.join(" ") ?? ""} />
    </svg>
  );
}

/** A scale of powers has no zero. */
function floor(frame: Points[]): void {
  for (let at = 1; at < frame.length; at += 1) {
    const list = frame[at] ?? [];
    for (let n = 0; n < list.length; n += 1) {
      const value = list[n];
      if (typeof value === "number" && value < LEAST_MS) list[n] = LEAST_MS;
    }
  }
}

/** Into the legend, without drawing the page: the numbers under the crosshair, or the newest. */
function write(list: HTMLElement | null, chart: uPlot | undefined, frame: readonly Points[], plan: ChartPlan, language: Language): void {
  if (list === null) return;
  const at = chart?.cursor.idx;
  for (const [n, place] of [...list.querySelectorAll("b")].entries()) {
    const points = frame[n + 1] ?? [];
    const value = at === null || at === undefined ? newest(points) : points[at];
    const text = shown(value, plan.unit, language);
    if (place.textContent !== text) place.textContent = text;
  }
}

function newest(points: Points): number | null {
  for (let n = points.length - 1; n >= Math.max(0, points.length - 3); n -= 1) if (typeof points[n] === "number") return points[n] ?? null;
  return null;
}

function summed(frame: readonly Points[], plan: ChartPlan, names: Readonly<Record<string, string>>, language: Language): readonly (readonly string[])[] {
  return plan.lines.map((line, at) => {
    const points = frame[at + 1] ?? [];
    const known = points.filter((value) => typeof value === "number");
    const say = (value: number | null | undefined): string => shown(value, plan.unit, language);
    const least = known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b));
    const most = known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b));
    return [names[line.name] ?? line.name, say(newest(points)), say(least), say(most)];
  });
}

const isPower = (value: number): boolean => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;

const powers = (_: uPlot, splits: number[]): (number | null)[] => splits.map((at) => (isPower(at) ? at : null));

function optionsOf(plan: ChartPlan, language: Language, ink: (token: string) => string, range: Range, moved: () => void): Omit<uPlot.Options, "width" | "height"> {
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const shared = { stroke: ink("ink-2"), font: "11px sans-serif", ticks: { show: false } };
  const y: uPlot.Scale =
    plan.log === true
      ? { distr: 3, log: 10, range: (_, least, most) => [10 ** Math.floor(Math.log10(Math.max(LEAST_MS, least ?? 0.1))), 10 ** Math.ceil(Math.log10(Math.max(10, (most ?? 1) * 1.05)))] }
      : plan.unit === "upDown"
        ? { range: [-0.15, 1.25] }
        : { range: (_, __, most) => [0, Math.max(plan.unit === "share" ? 0.05 : 1, most ?? 0) * 1.12] };
  const step = { live: 120, hour: 900, sixHours: 5_400, day: 21_600 }[range];
  return {
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: SYNC }, points: { size: 6 } },
    hooks: { setCursor: [moved] },
    scales: { x: { time: true }, y },
    axes: [
      { ...shared, size: 24, gap: 4, grid: { show: false }, incrs: [step], space: 30, values: (_, splits) => splits.map((at) => clock.format(at * 1000)) },
      {
        ...shared,
        size: 58,
        gap: 4,
        grid: { stroke: ink("line"), width: 1, ...(plan.log === true ? { filter: powers } : {}) },
        space: 26,
        ...(plan.unit === "upDown" ? { splits: [0, 1] } : {}),
        ...(plan.log === true ? { filter: powers } : {}),
        values: (_, splits) => splits.map((at) => (at === null ? "" : shown(at, plan.unit, language))),
      },
    ],
    series: [
      {},
      ...plan.lines.map((line): uPlot.Series => ({
        stroke: ink(line.ink),
        width: line.width ?? 2,
        ...(line.dash === undefined || line.dash.length === 0 ? {} : { dash: [...line.dash] }),
        points: { show: false },
        ...(plan.unit === "upDown" && uPlot.paths.stepped !== undefined ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        ...(plan.lines.length === 1 ? { fill: ink("chart-fill") } : {}),
      })),
    ],
  };
}
