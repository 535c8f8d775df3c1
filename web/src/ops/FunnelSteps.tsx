// How far people came; each step as long as its share of the widest one, and how many of the step before took it.

import type { Funnel } from "../gen/apricot/v1/ops_pb";
import { useWords } from "../text";
import { opsText } from "./text";

export const STEPS = ["seen", "tapped", "held", "paid", "shipped", "confirmed"] as const;

export function widest(funnel: Funnel): number {
  return Math.max(1, ...STEPS.map((step) => Number(funnel[step])));
}

export function FunnelSteps(props: { funnel: Funnel | undefined }) {
  const { count, share } = useWords();
  const o = opsText.use();
  const { funnel } = props;
  if (funnel === undefined) return <p class="hint">{o.funnelNone}</p>;
  const most = widest(funnel);
  return (
    <ol class="funnel-steps" data-testid="funnel">
      {STEPS.map((step, at) => {
        const before = at === 0 ? 0 : Number(funnel[STEPS[at - 1] ?? step]);
        return (
          <li key={step} data-step={step}>
            <span>{o.steps[step]}</span>
            <b>{count(funnel[step])}</b>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${(Number(funnel[step]) / most) * 100}%` }} />
            </span>
            <span class="hint">{before === 0 ? "" : share((Number(funnel[step]) / before) * 1_000_000)}</span>
          </li>
        );
      })}
    </ol>
  );
}
