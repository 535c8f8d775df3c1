// What has to be said wherever a sale is shown, before anybody pays: how much, who gives it, to whom, until when.

import type { CharityTotal, Pledge } from "../gen/apricot/v1/charity_pb";
import { Amount } from "../parts/Amount";
import { CharityName, ProjectLink } from "../parts/Gifts";
import { Leaf } from "../parts/signs";
import { fitting, overOf, pledged, shares } from "../pledged";
import { apart, useWords } from "../text";

export function DonationLabel(props: {
  pledge: Pledge;
  total: CharityTotal | undefined;
  paid: bigint;
  quantity: number;
  currency: string;
  host: string;
  now: number;
  testId: string;
  /** What is said of the amount; left out, what each unit gives. */
  lead?: (gift: string) => string;
}) {
  const { t, count, day, money } = useWords();
  const { pledge, currency, quantity } = props;
  const l = t.charity.label;
  const over = overOf(pledge, props.total, props.now);
  const promised = pledged(pledge, props.paid, quantity);
  const gift = fitting(pledge, props.total, promised);
  if (over !== undefined || (gift === 0n && promised > 0n)) {
    const why = over ?? "cap";
    return (
      <p class="label label-over" role="status" data-testid={`${props.testId}-over`} data-over={why}>
        <Leaf />
        <span>{t.charity.over[why]}</span>
      </p>
    );
  }
  if (gift === 0n) return null;
  const said = money({ minor: gift, currency });
  const each = l.each(money({ minor: pledged(pledge, props.paid / BigInt(quantity), 1), currency }));
  const lead = props.lead?.(said) ?? (quantity > 1 ? `${each} · ${l.these(count(quantity), said)}` : l.each(said));
  const until = l.until(pledge.endsAtMs > 0n ? day(Number(pledge.endsAtMs)) : "", pledge.cap === undefined ? "" : money(pledge.cap));
  const parts = shares(pledge, gift);
  return (
    <div class="label" role="group" aria-label={l.heading}>
      <Leaf />
      <div>
        <p>
          <span class="label-heading">{l.heading}</span>{" "}
          <b data-testid={props.testId} data-minor={String(gift)}>
            {lead}
          </b>
          {gift < promised && <span>{l.less}</span>}
        </p>
        {pledge.parts.map((part, at) => (
          <p key={part.projectId} data-testid="label-part" data-minor={String(parts[at])}>
            {l.to} <ProjectLink part={part} aside /> {pledge.parts.length > 1 && <Amount value={{ minor: parts[at] ?? 0n, currency }} />} <CharityName part={part} />
          </p>
        ))}
        <p>{l.donor(apart(props.host))}</p>
        <p>{until === "" ? l.always : until}</p>
      </div>
    </div>
  );
}
