// Rules that must always be true, as the server found them in the record; nothing here is computed by the page. Three of them everybody asks
// for stand large; the others are folded while they are kept.

import type { ComponentChildren } from "preact";

import type { Light, Overview } from "../gen/apricot/v1/ops_pb";
import { Amount } from "../parts/Amount";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { lightName, lightRule } from "./names";
import { opsText } from "./text";

const NAMED = ["not_oversold", "trial_balance_zero", "counter_is_the_ledger"] as const;
type Named = (typeof NAMED)[number];

const isNamed = (light: Light): boolean => NAMED.some((name) => name === light.name);

export function Lights(props: { overview: Overview }) {
  const { count } = useWords();
  const o = opsText.use();
  const { overview } = props;
  const skewMs = Number(overview.serverTimeMs) - Date.now();
  const now = useServerTime(0);
  const agoMs = Math.max(0, now + Math.min(0, skewMs) - Number(overview.lightsAtMs));
  const others = overview.lights.filter((light) => !isNamed(light));
  const broken = others.filter(({ violations }) => violations > 0);
  const kept = others.filter(({ violations }) => violations === 0);
  return (
    <section class="block" aria-labelledby="lights-heading">
      <header class="block-head">
        <h2 id="lights-heading">{o.lights}</h2>
        <p class="hint" data-testid="lights-read">
          {overview.lightsAtMs === 0n ? o.lightsNotYet : o.lightsRead(count(Math.round(agoMs / 1000)), count(overview.lightsTookMs))}
        </p>
      </header>
      <ul class="lights-named">
        {NAMED.map((name) => (
          <Large key={name} name={name} overview={overview} />
        ))}
      </ul>
      {broken.length > 0 && <Rows lights={broken} />}
      {kept.length > 0 && (
        <details class="lights-kept" data-testid="lights-kept">
          <summary class="light-head">
            <Sign />
            {o.lightsKept(count(kept.length))}
          </summary>
          <Rows lights={kept} />
        </details>
      )}
    </section>
  );
}

const Sign = () => <i class="light-sign" aria-hidden="true" />;

/** Its number is zero while the rule is kept, and large because of that. */
function Large(props: { name: Named; overview: Overview }) {
  const o = opsText.use();
  const { name, overview } = props;
  const light = overview.lights.find((one) => one.name === name);
  const good = light === undefined ? undefined : light.violations === 0 && numberOf(name, overview) === 0;
  return (
    <li class="light large" data-testid="light" data-light={name} data-good={good}>
      <p class="large-name">
        <Sign />
        <span>
          {o.lightNumbers[name]} <b class="unseen">{good === undefined ? o.lightsNotYet : good ? o.kept : o.broken("")}</b>
        </span>
      </p>
      <p class="large-number">
        <LargeNumber name={name} overview={overview} light={light} />
      </p>
      {light !== undefined && <Why light={light} />}
    </li>
  );
}

/** How far off the other source says that it is: lots are counted, and debits and credits added up, for each overview anew. */
function numberOf(name: Named, overview: Overview): number {
  switch (name) {
    case "not_oversold":
      return overview.oversoldLots;
    case "trial_balance_zero":
      return Object.values(overview.trialBalance?.sumMinor ?? {}).filter((sum) => sum !== 0n).length;
    case "counter_is_the_ledger":
      return 0;
  }
}

function LargeNumber(props: { name: Named; overview: Overview; light: Light | undefined }): ComponentChildren {
  const { count } = useWords();
  const { name, overview, light } = props;
  if (light === undefined) return "–";
  if (name === "trial_balance_zero") {
    const sums = Object.entries(overview.trialBalance?.sumMinor ?? {});
    const off = sums.filter(([, minor]) => minor !== 0n);
    // One zero says it for all currencies.
    return (off.length > 0 ? off : sums.slice(0, 1)).map(([currency, minor]) => <Amount key={currency} value={{ minor, currency }} />);
  }
  return count(Math.max(light.violations, numberOf(name, overview)));
}

function Rows(props: { lights: readonly Light[] }) {
  const { count } = useWords();
  const o = opsText.use();
  return (
    <ul class="lights">
      {props.lights.map((light) => {
        const good = light.violations === 0;
        return (
          <li key={light.name} class="light" data-good={good} data-testid="light" data-light={light.name}>
            <p class="light-head">
              <Sign />
              <span>
                {lightName(o, light)} <b class={good ? "unseen" : ""}>{good ? o.kept : o.broken(count(light.violations))}</b>
              </span>
            </p>
            <Why light={light} />
          </li>
        );
      })}
    </ul>
  );
}

/** The rule in words, and what breaks it. */
function Why(props: { light: Light }) {
  const o = opsText.use();
  const { light } = props;
  return (
    <div class="light-why">
      <p class="hint">{lightRule(o, light)}</p>
      {light.examples.length > 0 && (
        <ul class="light-examples">
          {light.examples.map((example) => (
            <li key={example}>
              <code>
                <bdi>{example}</bdi>
              </code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
