// Rules that must always be true, as the server found them in the record; nothing here is computed by the page.

import type { Light, Overview } from "../gen/apricot/v1/ops_pb";
import { useServerTime } from "../parts/time";
import { useWords } from "../text";
import { lightName } from "./names";
import { opsText } from "./text";

export function Lights(props: { overview: Overview }) {
  const { count } = useWords();
  const o = opsText.use();
  const { overview } = props;
  const skewMs = Number(overview.serverTimeMs) - Date.now();
  const now = useServerTime(0);
  const lights = [...overview.lights].sort((a, b) => Number(b.violations > 0) - Number(a.violations > 0));
  const agoMs = Math.max(0, now + Math.min(0, skewMs) - Number(overview.lightsAtMs));
  return (
    <section class="block" aria-labelledby="lights-heading">
      <header class="block-head">
        <h2 id="lights-heading">{o.lights}</h2>
        <p class="hint" data-testid="lights-read">
          {overview.lightsAtMs === 0n ? o.lightsNotYet : o.lightsRead(count(Math.round(agoMs / 1000)), count(overview.lightsTookMs))}
        </p>
      </header>
      <ul class="lights">
        <Row name={o.oversold} good={overview.oversoldLots === 0} number={overview.oversoldLots === 0 ? "" : count(overview.oversoldLots)} />
        {Object.entries(overview.trialBalance?.sumMinor ?? {}).map(([currency, sum]) => (
          <Row key={currency} name={o.balanceLight(currency)} good={sum === 0n} number={sum === 0n ? "" : String(sum)} />
        ))}
        {lights.map((light) => (
          <Row key={light.name} name={lightName(o, light)} good={light.violations === 0} number={light.violations === 0 ? "" : count(light.violations)} light={light} />
        ))}
      </ul>
    </section>
  );
}

function Row(props: { name: string; good: boolean; number: string; light?: Light }) {
  const o = opsText.use();
  const { light, good } = props;
  const head = (
    <>
      <i aria-hidden="true" />
      <span>
        {props.name} <b class={good ? "unseen" : ""}>{good ? o.kept : o.broken(props.number)}</b>
      </span>
    </>
  );
  return (
    <li class="light" data-good={good} data-testid="light" data-light={light?.name ?? ""}>
      {light === undefined ? (
        <p class="light-head">{head}</p>
      ) : (
        <details open={!good}>
          <summary class="light-head">{head}</summary>
          <p class="hint">{light.rule}</p>
          {light.examples.length > 0 && (
            <ul class="light-examples">
              {light.examples.map((example) => (
                <li key={example}>
                  <code>{example}</code>
                </li>
              ))}
            </ul>
          )}
        </details>
      )}
    </li>
  );
}
