// A line without axes: how it has been going. The number beside it says where it is.

import { useMemo } from "preact/hooks";

import { Plot, type Build } from "./Plot";

const build: Build = (ink) => ({
  padding: [4, 2, 2, 2],
  cursor: { show: false },
  legend: { show: false },
  axes: [{ show: false }, { show: false }],
  scales: { y: { range: (_, __, most) => [0, Math.max(1, most) * 1.1] } },
  series: [{}, { stroke: ink("leaf-2"), width: 2, fill: ink("leaf-tint"), points: { show: false } }],
});

export function Spark(props: { points: readonly (readonly [seconds: number, value: number])[] }) {
  const data = useMemo<[number[], number[]]>(() => [props.points.map(([at]) => at), props.points.map(([, value]) => value)], [props.points]);
  return <Plot build={build} data={data} height={56} />;
}
