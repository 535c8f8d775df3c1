// A line of the log, in words: every key that it has, none left out.

import type { ComponentChildren } from "preact";

import { Amount } from "../parts/Amount";
import { Fact } from "../parts/Fact";
import { ProjectName } from "../parts/Gifts";
import { useWords } from "../text";
import type { Leaf } from "./leaf";
import { verifyText } from "./text";

const MONEY: ReadonlySet<string> = new Set(["amount", "paid", "kept", "perUnit", "cap", "accrued", "reversed", "confirmed", "remitted", "matched", "unmatched"]);
const TIMES: ReadonlySet<string> = new Set(["at", "startsAt", "endsAt"]);
const WORDS: ReadonlySet<string> = new Set(["base", "rounding", "scope"]);
const CODES: ReadonlySet<string> = new Set(["order", "pledge", "agreement", "remittance", "proof", "pool", "seed", "terms", "charity"]);
/** Said by the heading or by the amounts. */
const SAID: ReadonlySet<string> = new Set(["v", "kind", "currency"]);

export function LeafFacts(props: { leaf: Leaf; written: string; index: string }) {
  const v = verifyText.use();
  const { leaf } = props;
  const currency = "currency" in leaf ? leaf.currency : "";
  return (
    <section class="paper" data-testid="leaf" data-kind={leaf.kind}>
      <h2>
        {v.leaf.kind[leaf.kind]} <span class="hint">{v.leafOf(props.index)}</span>
      </h2>
      <dl class="facts">
        {Object.entries(leaf)
          .filter(([key, value]) => !SAID.has(key) && value !== "")
          .map(([key, value]) => (
            <Fact key={key} name={v.leaf.keys[key] ?? key}>
              <div data-testid={`leaf-${key}`} data-value={typeof value === "object" ? undefined : String(value)}>
                {key === "parts" && leaf.kind === "pledge" ? (
                  leaf.parts.map(({ project, charity, weight }) => (
                    <p key={project}>
                      <ProjectName project={project} aside /> <code>{charity}</code> × {weight}
                    </p>
                  ))
                ) : (
                  <Value of={key === "key" && leaf.kind === "tally" ? leaf.scope : key} value={value} currency={currency} />
                )}
              </div>
            </Fact>
          ))}
      </dl>
      <details>
        <summary>{v.leaf.raw}</summary>
        <code data-testid="leaf-written">{props.written}</code>
      </details>
    </section>
  );
}

function Value(props: { of: string; value: unknown; currency: string }): ComponentChildren {
  const v = verifyText.use();
  const { count, percent, stamp } = useWords();
  const { of, value } = props;
  if (value === null || typeof value === "boolean") return v.leaf.values[String(value)];
  if (typeof value === "number") {
    if (MONEY.has(of) && props.currency !== "") return <Amount value={{ minor: BigInt(value), currency: props.currency }} />;
    if (TIMES.has(of)) return stamp(value);
    return of === "sharePpm" ? percent(value) : count(value);
  }
  if (typeof value !== "string") return <code>{JSON.stringify(value)}</code>;
  if (of === "project") return <ProjectName project={value} aside />;
  if (WORDS.has(of)) return v.leaf.values[value] ?? value;
  return CODES.has(of) ? <code>{value}</code> : <bdi>{value}</bdi>;
}
