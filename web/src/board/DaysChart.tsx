// Day by day: what accrued, and what stands in all.

import { useMemo } from "preact/hooks";
import uPlot from "uplot";

import { ChartFigure } from "../parts/ChartFigure";
import { LeafLink } from "../parts/LeafLink";
import type { Build, Ink } from "../parts/Plot";
import { useWords } from "../text";
import type { Days } from "./board";
import { boardText } from "./text";

const DAY_S = 86_400;

export function DaysChart(props: { days: Days; currency: string; name: string }) {
  const b = boardText.use();
  const { language, money } = useWords();
  const { days, currency, name } = props;
  const heads = [b.day, b.daysAccrued, b.daysStanding];
  const short = useMemo(() => new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" }), [language]);
  const digits = useMemo(() => new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2, [currency]);
  const shown = (value: number): string => money({ minor: BigInt(Math.round(value * 10 ** digits)), currency });
  const build = useMemo<Build>(() => (ink) => buildDays(ink, (seconds) => short.format(seconds * 1000), shown), [language, currency]);
  const key = days.at.map((at, n) => `${at} ${days.accrued[n]} ${days.standing[n]}`).join();
  // For the eye only: what is exact stands in the table.
  const data = useMemo<uPlot.AlignedData>(() => {
    const values = (minor: readonly bigint[]): number[] => minor.map((one) => Number(one) / 10 ** digits);
    return [days.at, values(days.accrued), values(days.standing)];
  }, [key, digits]);
  return (
    <ChartFigure
      title={b.daysStanding}
      unit={b.daysUnit(currency)}
      legend={[
        { label: b.daysStanding, token: "leaf", shape: "line" },
        { label: b.daysAccrued, token: "apricot", shape: "bar" },
      ]}
      build={build}
      data={data}
      table={{
        heads,
        rows: days.at.map((at, n) => [short.format(at * 1000), money({ minor: days.accrued[n] ?? 0n, currency }), money({ minor: days.standing[n] ?? 0n, currency })]),
        cell: (n, column, text) => (
          <LeafLink leaf={days.leaf[n]} what={`${name} ${short.format((days.at[n] ?? 0) * 1000)} ${heads[column] ?? ""} ${text}`}>
            {text}
          </LeafLink>
        ),
        open: b.asTable,
      }}
    />
  );
}

const bars = uPlot.paths.bars?.({ size: [0.6, 48], radius: 0.2 });
/** A day of room on both sides, so that the first and the last bar are whole. */
const wholeDays: uPlot.Scale = {
  time: false,
  // Read off the days themselves: of a single one, uPlot would pass a range that begins in 1970.
  range: ({ data: [days] }) => [(days[0] ?? 0) - 0.8 * DAY_S, (days.at(-1) ?? 0) + 0.8 * DAY_S],
};
const fromZero: uPlot.Scale = { range: (_, __, most) => [0, Math.max(1, most) * 1.15] };

/** A label is about so wide. */
const LABEL_PX = 72;

/** At days only, and as many as there is room for. */
function wholeSplits(chart: uPlot, _axis: number, first: number, last: number): number[] {
  const days = (last - first) / DAY_S;
  const step = DAY_S * Math.max(1, Math.ceil((days * LABEL_PX) / Math.max(1, chart.bbox.width / devicePixelRatio)));
  const start = Math.ceil(first / DAY_S) * DAY_S;
  return Array.from({ length: Math.max(0, Math.floor((last - start) / step) + 1) }, (_, n) => start + n * step);
}

function buildDays(ink: Ink, at: (seconds: number) => string, shown: (value: number) => string): ReturnType<Build> {
  const shared = { stroke: ink("ink-2"), font: "12px sans-serif", ticks: { show: false } };
  return {
    padding: [10, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: false },
    scales: { x: wholeDays, y: fromZero },
    axes: [
      { ...shared, size: 28, gap: 6, grid: { show: false }, splits: wholeSplits, values: (_, splits) => splits.map(at) },
      { ...shared, size: 84, grid: { stroke: ink("line"), width: 1 }, values: (_, splits) => splits.map(shown) },
    ],
    series: [
      {},
      { stroke: ink("apricot"), fill: ink("apricot"), width: 0, points: { show: false }, ...(bars === undefined ? {} : { paths: bars }) },
      { stroke: ink("leaf"), width: 2.5, points: { show: true, size: 8, fill: ink("leaf"), stroke: ink("leaf") } },
    ],
  };
}
