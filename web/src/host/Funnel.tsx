// How far people came, each step as long as its share of those who looked in.

import type { Funnel as Steps } from "../gen/apricot/v1/ops_pb";
import { useWords } from "../text";
import { shareOf } from "./sums";
import { hostText } from "./text";

const STEPS = ["seen", "tapped", "held", "paid", "shipped", "confirmed"] as const;

export function Funnel(props: { funnel: Steps | undefined }) {
  const { count, share: shareText } = useWords();
  const h = hostText.use();
  const { funnel } = props;
  if (funnel === undefined) return null;
  const most = STEPS.reduce((known, step) => (funnel[step] > known ? funnel[step] : known), 1n);
  return (
    <section class="panel" aria-labelledby="funnel-heading">
      <h2 id="funnel-heading">{h.funnel.heading}</h2>
      <ol class="funnel">
        {STEPS.map((step) => {
          const share = Number(funnel[step]) / Number(most);
          return (
            <li key={step} class="funnel-step" data-step={step}>
              <span>{h.funnel.steps[step]}</span>
              <b>{count(funnel[step])}</b>
              <span class="funnel-bar" aria-hidden="true">
                <span style={{ width: `${Math.max(share * 100, funnel[step] > 0n ? 1 : 0)}%` }} />
              </span>
              <span class="hint">{step === "seen" || funnel.seen === 0n ? "" : shareText(shareOf(funnel[step], funnel.seen))}</span>
            </li>
          );
        })}
      </ol>
      <p class="hint">{h.funnel.hint}</p>
    </section>
  );
}
