// Each check in a line: what was asked, whether it holds, and what was found.

import { Cross, Doubt, Tick } from "../parts/signs";
import { useWords, type Words } from "../text";
import type { Check, Code, Finding, Findings, Outcome } from "./findings";
import { verifyText, type Sentences } from "./text";

export function Steps(props: { checks: readonly Check[] }) {
  const v = verifyText.use();
  const words = useWords();
  return (
    <section class="paper">
      <h2>{v.steps}</h2>
      <ol class="checks">
        {props.checks.map(({ name, outcome, finding }, at) => (
          <li key={at} data-testid={`check-${name}`} data-outcome={outcome} data-code={finding.code}>
            <OutcomeSign outcome={outcome} />
            <div>
              <h3>
                {v.checks[name]}
                <span class="check-outcome">{v.outcome[outcome]}</span>
              </h3>
              <p>{sentence(v.say, finding, words)}</p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function OutcomeSign(props: { outcome: Outcome }) {
  return (
    <span class="outcome" data-outcome={props.outcome} aria-hidden="true">
      {props.outcome === "ok" ? <Tick /> : props.outcome === "failed" ? <Cross /> : <Doubt />}
    </span>
  );
}

export function sentence(say: Sentences, finding: Finding, words: Words): string {
  // The sentence and the values have the same name.
  const of = say[finding.code] as (it: Findings[Code], words: Words) => string;
  return of(finding, words);
}
