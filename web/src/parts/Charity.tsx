// The strip that everybody in the room watches: what was accrued, confirmed and handed over, always all three.

import { create } from "@bufbuild/protobuf";
import { useEffect, useState } from "preact/hooks";

import { CharityTotalSchema, PledgeBase, PledgeSchema, type CharityTotal, type Pledge } from "../gen/apricot/v1/charity_pb";
import type { RoomView } from "../room/state";
import { useWords } from "../text";
import { Amount, ClimbingAmount } from "./Amount";
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
    import("../wire/rest").then(({ read }) => read("/v1/pledges/{pledge}", { pledge: id }, PledgeSchema)).then(setAsked, () => undefined);
  }, [id, missing]);
  return known ?? asked;
}

export function CharityStrip(props: { giving: Giving; folded: boolean }) {
  const { t, money, percent, count } = useWords();
  const { total } = props.giving;
  const pledge = usePledge(total.pledgeId, props.giving.pledge);
  const { currency } = total;
  const standing = total.grossAccruedMinor - total.grossReversedMinor;
  return (
    <details class="charity" open={!props.folded}>
      <summary class="charity-figures">
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
        <span class="charity-bar" aria-hidden="true">
          <Bar whole={standing} part={total.confirmedMinor} name="confirmed" />
          <Bar whole={standing} part={total.remittedMinor} name="remitted" />
        </span>
        {pledge !== undefined && (
          <span class="charity-who">
            <b>{pledge.project}</b> <span>{pledge.charityName}</span>{" "}
            {pledge.charityRegistration !== "" && <span class="charity-number">{t.charity.registration(pledge.charityRegistration)}</span>}
          </span>
        )}
      </summary>
      <div class="charity-more">
        <p>{t.charity.explain}</p>
        {pledge !== undefined && (
          <p>
            {[
              pledge.base === PledgeBase.PER_UNIT && pledge.perUnit !== undefined
                ? t.charity.perUnit(money(pledge.perUnit))
                : t.charity.share(percent(pledge.sharePpm)),
              ...(pledge.cap === undefined ? [] : [t.charity.cap(money(pledge.cap))]),
              t.charity.version(count(pledge.version)),
            ].join(" · ")}
          </p>
        )}
        {total.grossReversedMinor > 0n && (
          <p>{t.charity.reversed(money({ $typeName: "apricot.v1.Money", minor: total.grossReversedMinor, currency }))}</p>
        )}
      </div>
    </details>
  );
}

function Bar(props: { whole: bigint; part: bigint; name: string }) {
  const share = props.whole <= 0n ? 0 : Math.min(100, Number((props.part * 100n) / props.whole));
  return <span class={`bar-${props.name}`} style={{ width: `${share}%` }} />;
}
