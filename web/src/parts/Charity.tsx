// The strip that everybody in the room watches: what was accrued, confirmed and handed over, always all three.

import { useEffect, useState } from "preact/hooks";

import { CharityTotalSchema, PledgeSchema, type CharityTotal, type Pledge } from "../gen/apricot/v1/charity_pb";
import { overOf } from "../pledged";
import type { RoomView } from "../room/state";
import { useWords } from "../text";
import { create } from "../wire/messages";
import { read } from "../wire/rest";
import { Amount, ClimbingAmount } from "./Amount";
import { CharityName, Titles } from "./Gifts";
import { Leaf } from "./signs";

interface Giving {
  readonly total: CharityTotal;
  readonly pledge: Pledge | undefined;
}

/** Every pledge of the room with its newest total; the one of the sale that is on comes first. */
export function givingsOf(view: RoomView, firstPledge: string | undefined): readonly Giving[] {
  const pledges = new Map<string, Pledge>();
  for (const { pledge } of view.sales.values()) if (pledge !== undefined) pledges.set(pledge.id, pledge);
  const ids = new Set([...(firstPledge === undefined ? [] : [firstPledge]), ...view.charity.keys(), ...pledges.keys()]);
  return [...ids].map((id) => ({
    total: view.charity.get(id) ?? create(CharityTotalSchema, { pledgeId: id, currency: "CNY" }),
    pledge: pledges.get(id),
  }));
}

/** A pledge whose sale is over is not in the room any more: ask for it. */
function usePledge(id: string, known: Pledge | undefined): Pledge | undefined {
  const [asked, setAsked] = useState<Pledge>();
  const missing = known === undefined;
  useEffect(() => {
    if (!missing) return;
    // Without it the amounts stand alone, which is still true.
    read("/v1/pledges/{pledge}", { pledge: id }, PledgeSchema).then(setAsked, () => undefined);
  }, [id, missing]);
  return known ?? asked;
}

/** A tap opens the pledge's own page; `apart` in a tab of its own, for those who have work here. */
export function CharityStrip(props: { giving: Giving; apart?: boolean }) {
  const { t, money } = useWords();
  const { total } = props.giving;
  const matched = total.grossMatchedMinor - total.grossUnmatchedMinor;
  const pledge = usePledge(total.pledgeId, props.giving.pledge);
  const over = overOf(pledge, total, Date.now());
  const [first] = pledge?.parts ?? [];
  const { currency } = total;
  const standing = total.grossAccruedMinor - total.grossReversedMinor;
  return (
    <a class="charity charity-figures" href={`/pledges/${encodeURIComponent(total.pledgeId)}`} target={props.apart === true ? "_blank" : undefined} data-testid="charity">
      <span class="unseen">{t.charity.heading}</span>
      <span class="charity-main">
        <span class="charity-label">
          <Leaf />
          {t.charity.accrued}
        </span>
        <span data-testid="charity-accrued" data-minor={String(standing)} data-sequence={String(total.sequence)}>
          <ClimbingAmount value={{ minor: standing, currency }} class="charity-big" />
        </span>
      </span>
      <span class="charity-part">
        <span class="charity-label">{t.charity.confirmed}</span>
        <Amount value={{ minor: total.confirmedMinor, currency }} />
      </span>
      <span class="charity-part">
        <span class="charity-label">{t.charity.remitted}</span>
        <Amount value={{ minor: total.remittedMinor, currency }} />
      </span>
      <GivingBar standing={standing} confirmed={total.confirmedMinor} remitted={total.remittedMinor} />
      {pledge !== undefined && (
        <span class="charity-who">
          <b>
            <Titles pledge={pledge} />
          </b>{" "}
          {first !== undefined && pledge.parts.every(({ charityRegistration }) => charityRegistration === first.charityRegistration) && <CharityName part={first} />}
        </span>
      )}
      {matched > 0n && (
        <span class="charity-who" data-testid="charity-matched" data-minor={String(matched)}>
          {t.charity.matched(money({ minor: matched, currency }))}
        </span>
      )}
      {over !== undefined && (
        <span class="charity-over" data-testid="charity-over" data-over={over}>
          {t.charity.over[over]}
        </span>
      )}
      <span class="unseen">{t.charity.open}</span>
    </a>
  );
}

/** Of what stands, how much was confirmed, and of that, how much was handed over. */
export function GivingBar(props: { standing: bigint; confirmed: bigint; remitted: bigint }) {
  return (
    <span class="charity-bar" aria-hidden="true">
      <Bar whole={props.standing} part={props.confirmed} name="confirmed" />
      <Bar whole={props.standing} part={props.remitted} name="remitted" />
    </span>
  );
}

function Bar(props: { whole: bigint; part: bigint; name: string }) {
  const share = props.whole <= 0n ? 0 : Math.min(100, Number((props.part * 100n) / props.whole));
  return <span class={`bar-${props.name}`} style={{ width: `${share}%` }} />;
}
