// A room minute by minute: who watched, who tapped, who paid.

import { useMemo } from "preact/hooks";
import type uPlot from "uplot";

import type { RoomFigures } from "../gen/apricot/v1/ops_pb";
import { ChartFigure } from "../parts/ChartFigure";
import type { Build } from "../parts/Plot";
import { useWords } from "../text";
import { opsText } from "./text";

const MINUTE_MS = 60_000;
const fromZero: uPlot.Range.Function = (_, __, most) => [0, Math.max(1, most) * 1.12];

export function Minutes(props: { figures: RoomFigures }) {
  const { count, language } = useWords();
  const o = opsText.use();
  const { minutes } = props.figures;
  const clock = useMemo(() => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }), [language]);
  const data = useMemo(() => dataOf(minutes), [minutes]);
  const whole = useMemo<uPlot.Axis.DynamicValues>(() => (_, splits) => splits.map((at) => (Number.isInteger(at) ? count(at) : "")), [count]);
  const build = useMemo<Build>(
    () => (ink) => ({
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: (_, first, last) => [first, Math.max(last, first + 300)] }, y: { range: fromZero }, people: { range: fromZero } },
      axes: [
        { stroke: ink("ink-2"), font: "11px sans-serif", ticks: { show: false }, grid: { show: false }, size: 24, space: 70, values: (_, splits) => splits.map((at) => clock.format(at * 1000)) },
        { stroke: ink("ink-2"), font: "11px sans-serif", ticks: { show: false }, grid: { stroke: ink("line"), width: 1 }, size: 44, values: whole },
        // Hundreds watch where three buy: on one scale those who buy would lie on the ground.
        { scale: "people", side: 1, stroke: ink("chart-3"), font: "11px sans-serif", ticks: { show: false }, grid: { show: false }, size: 48, values: whole },
      ],
      series: [
        {},
        { scale: "people", stroke: ink("chart-3"), width: 2, points: { show: false }, spanGaps: true },
        { stroke: ink("chart-5"), width: 2, dash: [7, 4], points: { show: false } },
        { stroke: ink("chart-2"), width: 2.5, dash: [2, 3], points: { show: false } },
      ],
    }),
    [clock, whole],
  );
  return (
    <section class="block" aria-labelledby="minutes-heading">
      <header class="block-head">
        <h2 id="minutes-heading">{o.minutes}</h2>
      </header>
      <ChartFigure
        title={o.minutesTitle}
        unit={o.minutesUnit}
        legend={[
          { label: o.viewersRight, token: "chart-3", shape: "line" },
          { label: o.steps.tapped, token: "chart-5", shape: "line" },
          { label: o.steps.paid, token: "chart-2", shape: "line" },
        ]}
        build={build}
        data={data}
        table={{
          heads: [o.time, o.viewers, o.steps.seen, o.steps.tapped, o.steps.paid],
          rows: minutes.map((minute) => [clock.format(Number(minute.atMs)), count(minute.viewers), count(minute.seen), count(minute.tapped), count(minute.ordersPaid)]),
          open: o.asTable,
        }}
      />
    </section>
  );
}

/** The record leaves empty minutes out: nothing was sold in them, and how many watched is not known. */
function dataOf(minutes: RoomFigures["minutes"]): uPlot.AlignedData {
  const known = new Map(minutes.map((minute) => [Number(minute.atMs), minute]));
  const times = [...known.keys()];
  const [first, last] = [times.reduce((a, b) => Math.min(a, b), Infinity), times.reduce((a, b) => Math.max(a, b), 0)];
  const at: number[] = [];
  const lists: [(number | null)[], number[], number[]] = [[], [], []];
  for (let time = first; time <= last; time += MINUTE_MS) {
    const minute = known.get(time);
    at.push(time / 1000);
    lists[0].push(minute?.viewers ?? null);
    lists[1].push(Number(minute?.tapped ?? 0n));
    lists[2].push(Number(minute?.ordersPaid ?? 0n));
  }
  return [at, ...lists];
}
