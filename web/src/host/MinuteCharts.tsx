// The stream minute by minute: who watched and who bought; and the money as it came in.

import { useMemo } from "preact/hooks";
import uPlot from "uplot";

import type { RoomFigures } from "../gen/apricot/v1/ops_pb";
import { ChartFigure } from "../parts/ChartFigure";
import type { Build, Ink } from "../parts/Plot";
import { useWords } from "../text";
import { filled } from "./sums";
import { hostText } from "./text";

export function MinuteCharts(props: { figures: RoomFigures }) {
  const { count, language, money } = useWords();
  const h = hostText.use();
  const { figures } = props;
  const minutes = useMemo(() => filled(figures.minutes), [figures.minutes]);
  const currency = figures.currency || "CNY";
  const yuan = (value: number): string => money({ $typeName: "apricot.v1.Money", minor: BigInt(Math.round(value * 100)), currency });
  const clock = useMemo(() => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }), [language]);
  const at = (seconds: number): string => clock.format(seconds * 1000);

  const people = useMemo<Build>(() => (ink) => buildPeople(ink, at, count), [language]);
  const sold = useMemo<Build>(() => (ink) => buildMoney(ink, at, yuan), [language, currency]);
  const peopleData = useMemo<uPlot.AlignedData>(() => [minutes.at, minutes.viewers, minutes.orders], [minutes]);
  const soldData = useMemo<uPlot.AlignedData>(() => [minutes.at, minutes.gmv], [minutes]);

  if (minutes.at.length === 0) return null;
  return (
    <section class="panel charts" aria-labelledby="charts-heading">
      <h2 id="charts-heading">{h.charts.heading}</h2>
      <div class="chart-pair">
        <ChartFigure
          title={h.charts.people}
          unit={h.charts.peopleUnit}
          legend={[
            { label: h.charts.viewers, token: "leaf", shape: "line" },
            { label: h.charts.orders, token: "apricot", shape: "bar" },
          ]}
          build={people}
          data={peopleData}
          table={{
            heads: [h.charts.time, h.charts.viewers, h.charts.orders],
            rows: minutes.at.map((seconds, n) => [at(seconds), minutes.viewers[n] === null ? "–" : count(minutes.viewers[n] ?? 0), count(minutes.orders[n] ?? 0)]),
            open: h.charts.asTable,
          }}
        />
        <ChartFigure
          title={h.charts.money}
          unit={h.charts.moneyUnit(currency)}
          legend={[{ label: h.charts.gmv, token: "apricot", shape: "bar" }]}
          build={sold}
          data={soldData}
          table={{ heads: [h.charts.time, h.charts.gmv], rows: minutes.at.map((seconds, n) => [at(seconds), yuan(minutes.gmv[n] ?? 0)]), open: h.charts.asTable }}
        />
      </div>
    </section>
  );
}

function axes(ink: Ink, at: (seconds: number) => string, values: (value: number) => string, size: number): uPlot.Axis[] {
  const shared = { stroke: ink("ink-2"), font: "12px sans-serif", ticks: { show: false } };
  return [
    { ...shared, size: 28, gap: 6, grid: { show: false }, space: 64, values: (_, splits) => splits.map(at) },
    { ...shared, size, grid: { stroke: ink("line"), width: 1 }, values: (_, splits) => splits.map(values) },
  ];
}

/** Half a minute of room on both sides, so that the first and the last bar are whole. */
const wholeBars: uPlot.Scale = { time: false, range: (_, first, last) => [first - 45, last + 45] };
/** Half a viewer or half an order is no mark on an axis. */
const wholes = (count: (n: number) => string) => (value: number): string => (Number.isInteger(value) ? count(value) : "");

const fromZero: uPlot.Scale = { range: (_, __, most) => [0, Math.max(1, most) * 1.12] };
/** An axis of their own, on the right: beside hundreds of viewers a dozen orders would be flat. They stay in the lower half. */
const ordersLow: uPlot.Scale = { range: (_, __, most) => [0, Math.max(1, most) * 2] };
const bars = uPlot.paths.bars?.({ size: [0.7, 28], radius: 0.25 });

function buildPeople(ink: Ink, at: (seconds: number) => string, count: (n: number) => string): ReturnType<Build> {
  return {
    padding: [10, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x: wholeBars, y: fromZero, orders: ordersLow },
    axes: [
      ...axes(ink, at, wholes(count), 40),
      { scale: "orders", side: 1, size: 32, stroke: ink("apricot-deep"), font: "12px sans-serif", ticks: { show: false }, grid: { show: false }, values: (_, splits) => splits.map(wholes(count)) },
    ],
    series: [
      {},
      { stroke: ink("leaf"), width: 2.5, fill: ink("leaf-tint"), points: { show: false }, spanGaps: true },
      { scale: "orders", stroke: ink("apricot"), fill: ink("apricot"), width: 0, points: { show: false }, ...(bars === undefined ? {} : { paths: bars }) },
    ],
  };
}

function buildMoney(ink: Ink, at: (seconds: number) => string, yuan: (value: number) => string): ReturnType<Build> {
  return {
    padding: [10, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x: wholeBars, y: fromZero },
    axes: axes(ink, at, yuan, 76),
    series: [{}, { stroke: ink("apricot"), fill: ink("apricot"), width: 0, points: { show: false }, ...(bars === undefined ? {} : { paths: bars }) }],
  };
}
