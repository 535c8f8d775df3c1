// A uPlot that follows its box, its data and the colours of the day or the night.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import "uplot/dist/uPlot.min.css";
import "./plot.css";

/** Colours by the names of the design tokens. */
export type Ink = (token: string) => string;
export type Build = (ink: Ink) => Omit<uPlot.Options, "width" | "height">;

/** `build` must be the same function while the chart is the same; a new one draws it anew. `onPoint` hears where a finger or a mouse is. */
export function Plot(props: { build: Build; data: uPlot.AlignedData; height: number; onPoint?: (index: number | undefined) => void }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const { build, data, height } = props;
  const newest = useRef(data);
  newest.current = data;
  const point = useRef(props.onPoint);
  point.current = props.onPoint;

  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const draw = (): void => {
      chart.current?.destroy();
      const style = getComputedStyle(box);
      const ink: Ink = (token) => style.getPropertyValue(`--${token}`).trim();
      const options = build(ink);
      const hooks = { ...options.hooks, setCursor: [...(options.hooks?.setCursor ?? []), (drawn: uPlot) => point.current?.(drawn.cursor.idx ?? undefined)] };
      chart.current = new uPlot({ ...options, hooks, width: Math.max(1, box.clientWidth), height }, newest.current, box);
    };
    draw();
    const night = matchMedia("(prefers-color-scheme: dark)");
    night.addEventListener("change", draw);
    const watcher = new ResizeObserver(() => chart.current?.setSize({ width: Math.max(1, box.clientWidth), height }));
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      night.removeEventListener("change", draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [build, height]);

  useEffect(() => chart.current?.setData(data), [data]);

  return <div ref={place} class="plot" aria-hidden="true" />;
}
