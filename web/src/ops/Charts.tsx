// A page of charts, with the stretch of time and the node that all of them show.

import { useEffect, useState } from "preact/hooks";

import { device } from "../wire/memory";
import { Chart, type Look } from "./Chart";
import type { ChartPlan } from "./charts";
import { RANGES, useFeed, type Feed, type Range } from "./feed";
import { opsText } from "./text";

const REMEMBERED = "apricot.ops.range";

export function useLook(feed: Feed): { readonly look: Look; readonly setRange: (range: Range) => void; readonly setNode: (node: string) => void } {
  const [range, setRange] = useState<Range>(() => RANGES.find((known) => known === device.recall(REMEMBERED)) ?? "live");
  const [node, setNode] = useState("");
  useEffect(() => {
    device.keep(REMEMBERED, range);
    void feed.fetch(range);
    // The live stretch is kept by the feed; the others come from the record again as they grow.
    if (range === "live") return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) void feed.fetch(range);
    }, 10_000);
    return () => clearInterval(timer);
  }, [feed, range]);
  return { look: { feed, range, node }, setRange, setNode };
}

export function Charts(props: { plans: readonly ChartPlan[]; look: Look; setRange: (range: Range) => void; setNode: (node: string) => void; heading: string }) {
  const o = opsText.use();
  const { look } = props;
  return (
    <section class="block" aria-labelledby="charts-heading">
      <header class="block-head">
        <h2 id="charts-heading">{props.heading}</h2>
        <div class="picks" role="group" aria-label={o.stretch}>
          {RANGES.map((range) => (
            <button key={range} type="button" class="pick-one" data-testid={`range-${range}`} aria-pressed={look.range === range} onClick={() => props.setRange(range)}>
              {o.ranges[range]}
            </button>
          ))}
        </div>
        <NodePicker look={look} setNode={props.setNode} />
      </header>
      <div class="gauges">
        {props.plans.map((plan) => (
          <Chart key={plan.id} plan={plan} look={look} />
        ))}
      </div>
    </section>
  );
}

function NodePicker(props: { look: Look; setNode: (node: string) => void }) {
  const o = opsText.use();
  const { feed, node, range } = props.look;
  useFeed(feed);
  const names = [...new Set([...feed.board("live").nodes, ...feed.board(range).nodes, ...(node === "" ? [] : [node])])].sort();
  return (
    <label class="node-pick">
      <span class="unseen">{o.node}</span>
      <select value={node} data-testid="node-pick" onChange={(event) => props.setNode(event.currentTarget.value)}>
        <option value="">{o.allNodes(String(names.length))}</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
