// Rules that must always be true, as the server found them in the record; nothing here is computed by the page but how long ago that was. Three
// of them everybody asks for stand large; the others are folded while none is broken.

import type { ComponentChildren } from "preact";

import type { Light, Overview } from "../gen/apricot/v1/ops_pb";
import { Amount } from "../parts/Amount";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { lightName, lightRule } from "./names";
import { keptOf, readingOf, type Kept, type Reading } from "./standing";
import { opsText } from "./text";
import type { OpsCatalogue } from "./text/zh-CN";

const NAMED = ["not_oversold", "trial_balance_zero", "counter_is_the_ledger"] as const;
type Named = (typeof NAMED)[number];

const isNamed = (light: Light): boolean => NAMED.some((name) => name === light.name);

const GOOD: Record<Kept, string> = { kept: "true", broken: "false", unknown: "unknown" };

export function Lights(props: { overview: Overview; readAtMs: number }) {
  const { count } = useWords();
  const o = opsText.use();
  const { overview } = props;
  const reading = readingOf(overview, props.readAtMs, useServerTime(0));
  const others = overview.lights.filter((light) => !isNamed(light));
  const broken = others.filter((light) => keptOf(light, reading) === "broken");
  const whole = others.filter((light) => keptOf(light, reading) !== "broken");
  return (
    <section class="block" aria-labelledby="lights-heading">
      <header class="block-head">
        <h2 id="lights-heading">{o.lights}</h2>
        <p class="hint" data-testid="lights-read">
          {reading.ageMs === undefined
            ? o.lightsNotYet
            : reading.old
              ? o.lightsOld(count(Math.floor(reading.ageMs / 60_000)))
              : o.lightsRead(count(Math.round(reading.ageMs / 1000)), count(overview.lightsTookMs))}
        </p>
      </header>
      <ul class="lights-named">
        {NAMED.map((name) => (
          <Large key={name} name={name} overview={overview} reading={reading} />
        ))}
      </ul>
      {broken.length > 0 && <Rows lights={broken} reading={reading} />}
      {whole.length > 0 && (
        <details class="lights-kept" data-testid="lights-kept" data-good={reading.old ? "unknown" : "true"}>
          <summary class="light-head">
            <Sign />
            {(reading.old ? o.lightsUnknown : o.lightsKept)(count(whole.length))}
          </summary>
          <Rows lights={whole} reading={reading} />
        </details>
      )}
    </section>
  );
}

const Sign = () => <i class="light-sign" aria-hidden="true" />;

/** Its number is zero while the rule is kept, and large because of that. */
function Large(props: { name: Named; overview: Overview; reading: Reading }) {
  const o = opsText.use();
  const { name, overview, reading } = props;
  const light = overview.lights.find((one) => one.name === name);
  const kept = keptOf(light, reading, numberOf(name, overview));
  return (
    <li class="light large" data-testid="light" data-light={name} data-good={GOOD[kept]}>
      <p class="large-name">
        <Sign />
        <span>
          {o.lightNumbers[name]} <b class="unseen">{light === undefined && kept === "unknown" ? o.lightsNotYet : keptWord(o, kept)}</b>
        </span>
      </p>
      <p class="large-number">{kept === "unknown" ? "–" : <LargeNumber name={name} overview={overview} violations={light?.violations ?? 0} />}</p>
      {light !== undefined && <Why light={light} />}
    </li>
  );
}

const keptWord = (o: OpsCatalogue, kept: Kept, violations = ""): string => (kept === "broken" ? o.broken(violations) : o[kept]);

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

function LargeNumber(props: { name: Named; overview: Overview; violations: number }): ComponentChildren {
  const { count } = useWords();
  const { name, overview, violations } = props;
  if (name === "trial_balance_zero") {
    const sums = Object.entries(overview.trialBalance?.sumMinor ?? {});
    const off = sums.filter(([, minor]) => minor !== 0n);
    // Before the first posting there is no currency.
    if (sums.length === 0) return count(0);
    // One zero says it for all currencies.
    return (off.length > 0 ? off : sums.slice(0, 1)).map(([currency, minor]) => <Amount key={currency} value={{ minor, currency }} />);
  }
  return count(Math.max(violations, numberOf(name, overview)));
}

function Rows(props: { lights: readonly Light[]; reading: Reading }) {
  const { count } = useWords();
  const o = opsText.use();
  return (
    <ul class="lights">
      {props.lights.map((light) => {
        const kept = keptOf(light, props.reading);
        return (
          <li key={light.name} class="light" data-good={GOOD[kept]} data-testid="light" data-light={light.name}>
            <p class="light-head">
              <Sign />
              <span>
                {lightName(o, light)} <b class={kept === "broken" ? "" : "unseen"}>{keptWord(o, kept, count(light.violations))}</b>
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
