// The strip that everybody in the room watches: what was accrued, confirmed and handed over, always all three.

import { useEffect, useState } from "preact/hooks";

import { CharityTotalSchema, PledgeSchema, type CharityTotal, type Pledge } from "../gen/apricot/v1/charity_pb";
import { overOf } from "../pledged";
import type { RoomView } from "../room/state";
import { useWords } from "../text";
import { create } from "../wire/messages";
import { read } from "../wire/rest";
import { Amount, ClimbingAmount } from "./Amount";
import { byCharity, CharityName, soleProjectPage, Titles } from "./Gifts";
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

/** One strip for each pledge; more than one stand in a row to be pushed aside. `apart`: a tap opens a tab of its own, for those who have work here. */
export function CharityStrips(props: { givings: readonly Giving[]; nowMs: number; apart?: boolean }) {
  const { givings, nowMs, apart = false } = props;
  if (givings.length === 0) return null;
  return (
    <div class="charities" data-many={givings.length > 1}>
      {givings.map((giving) => (
        <CharityStrip key={giving.total.pledgeId} giving={giving} nowMs={nowMs} apart={apart} />
      ))}
    </div>
  );
}

/** A tap opens the project's page; that of the pledge when it has several. */
function CharityStrip(props: { giving: Giving; nowMs: number; apart: boolean }) {
  const { t, money } = useWords();
  const { total } = props.giving;
  const matched = total.grossMatchedMinor - total.grossUnmatchedMinor;
  const pledge = usePledge(total.pledgeId, props.giving.pledge);
  const over = overOf(pledge, total, props.nowMs);
  const { currency } = total;
  const standing = total.grossAccruedMinor - total.grossReversedMinor;
  const project = soleProjectPage(pledge);
  return (
    <a
      class="charity charity-figures"
      href={project === undefined ? `/pledges/${encodeURIComponent(total.pledgeId)}` : `${project}?from=room`}
      target={props.apart ? "_blank" : undefined}
      data-testid="charity"
      data-pledge={total.pledgeId}
    >
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
      <Part name="confirmed" minor={total.confirmedMinor} currency={currency} />
      <Part name="remitted" minor={total.remittedMinor} currency={currency} />
      <GivingBar standing={standing} confirmed={total.confirmedMinor} remitted={total.remittedMinor} />
      {pledge !== undefined &&
        byCharity(pledge).map((parts) => (
          <span key={parts[0].projectId} class="charity-who">
            <b>
              <Titles pledge={{ parts }} />
            </b>{" "}
            <CharityName part={parts[0]} />
          </span>
        ))}
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
      <span class="unseen">{project === undefined ? t.charity.openAll : t.charity.open}</span>
    </a>
  );
}

function Part(props: { name: "confirmed" | "remitted"; minor: bigint; currency: string }) {
  const { t } = useWords();
  const { name, minor, currency } = props;
  return (
    <span class="charity-part" data-testid={`charity-${name}`} data-minor={String(minor)}>
      <span class="charity-label">{t.charity[name]}</span>
      <Amount value={{ minor, currency }} />
    </span>
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
