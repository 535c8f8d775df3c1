// The verdict in one glance, and what the receipt is about.

import { Amount } from "../parts/Amount";
import { Fact } from "../parts/Fact";
import { ProjectName } from "../parts/Gifts";
import { useWords } from "../text";
import type { Verdict } from "./check";
import type { Check } from "./findings";
import { OutcomeSign, sentence } from "./Steps";
import { verifyText } from "./text";

export type Standing = "holds" | "reminder" | "open" | "failed" | "missing";

/** What one may say in all. What this device could not compare yet is told below, and does not spoil a receipt that holds. */
export function standingOf(checks: readonly Check[]): Standing {
  if (checks.some(({ outcome }) => outcome === "failed")) return "failed";
  if (checks.some(({ finding }) => finding.code === "noLeaf")) return "missing";
  const left = checks.filter(({ name, outcome }) => outcome === "open" && name !== "history");
  if (left.length === 0) return "holds";
  return left.every(({ name, finding }) => name === "key" && finding.code !== "keyNone") ? "reminder" : "open";
}

export function Summary(props: { checks: readonly Check[]; from: string; verdict: Verdict | undefined; onAgain: () => void }) {
  const v = verifyText.use();
  const words = useWords();
  const standing = standingOf(props.checks);
  const first = props.checks.find(({ outcome }) => outcome === "failed");
  const outcome = standing === "holds" ? "ok" : standing === "failed" ? "failed" : "open";
  return (
    <section class="paper verdict" data-testid="verdict" data-standing={standing}>
      <p class="hint verdict-from">
        <bdi>{props.from}</bdi>
        <button type="button" class="plain unprinted" data-testid="again" onClick={props.onAgain}>
          {v.again}
        </button>
      </p>
      <div class="verdict-said">
        <OutcomeSign outcome={outcome} />
        <div>
          <h2>{v.verdict[standing]}</h2>
          <p>{first === undefined ? v.verdict[`${standing}Hint`] : sentence(v.say, first.finding, words)}</p>
          {first !== undefined && <p class="hint">{v.verdict.failedHint}</p>}
        </div>
      </div>
      {props.verdict?.receipt !== undefined && (
        <>
          <h3 class="hint">{v.says}</h3>
          <About verdict={props.verdict} />
        </>
      )}
    </section>
  );
}

function About(props: { verdict: Verdict }) {
  const v = verifyText.use();
  const { count } = useWords();
  const { receipt, gift } = props.verdict;
  if (receipt === undefined) return null;
  return (
    <dl class="facts">
      {receipt.title !== "" && (
        <Fact name={v.bought}>
          <bdi>{receipt.title}</bdi> × {count(receipt.quantity)}
        </Fact>
      )}
      <Fact name={v.paid}>
        <Amount value={receipt.paid} />
      </Fact>
      {receipt.refunded.minor !== 0n && (
        <Fact name={v.refunded}>
          <Amount value={receipt.refunded} />
        </Fact>
      )}
      <Fact name={v.gives}>
        <b class="verdict-gives">
          <Amount value={receipt.charity} />
        </b>{" "}
        <span class="hint verdict-projects">
          {gift?.pledge.parts.map(({ project }) => (
            <ProjectName key={project} project={project} aside />
          ))}
        </span>
      </Fact>
      {receipt.matched.minor !== 0n && (
        <Fact name={v.matched}>
          <Amount value={receipt.matched} />
        </Fact>
      )}
      <Fact name={v.order}>
        <code>{receipt.orderId}</code>
      </Fact>
    </dl>
  );
}
