// Apart from money.ts: it reads messages of the wire, which some pages do without.

import { PledgeBase, PledgeEnd, Rounding, type CharityTotal, type Pledge } from "./gen/apricot/v1/charity_pb";

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/** What a purchase gives, before the cap. */
export function pledged(pledge: Pledge, totalMinor: bigint, quantity: number): bigint {
  // A gift is never more than what was paid.
  if (pledge.base === PledgeBase.PER_UNIT) return least((pledge.perUnit?.minor ?? 0n) * BigInt(quantity), totalMinor);
  const product = totalMinor * BigInt(pledge.sharePpm);
  const whole = product / 1_000_000n;
  const rest = product % 1_000_000n;
  switch (pledge.rounding) {
    case Rounding.UP:
      return rest === 0n ? whole : whole + 1n;
    case Rounding.HALF_EVEN:
      return rest > 500_000n || (rest === 500_000n && whole % 2n === 1n) ? whole + 1n : whole;
    case Rounding.DOWN:
    case Rounding.UNSPECIFIED:
    default:
      return whole;
  }
}

/** What still fits under the cap. Others may be quicker: the server's posting has the last word. */
export function fitting(pledge: Pledge, total: CharityTotal | undefined, gift: bigint): bigint {
  if (pledge.cap === undefined) return gift;
  const room = pledge.cap.minor - ((total?.grossAccruedMinor ?? 0n) - (total?.grossReversedMinor ?? 0n));
  return room <= 0n ? 0n : least(room, gift);
}

/** What each part gets of a gift: by weight, and what does not divide goes to the largest remainders, of equal ones to the earlier part. */
export function shares(pledge: Pick<Pledge, "parts">, gift: bigint): readonly bigint[] {
  const weights = pledge.parts.map(({ weight }) => BigInt(weight === 0 ? 1 : weight));
  const whole = weights.reduce((sum, weight) => sum + weight, 0n);
  const floors = weights.map((weight) => (gift * weight) / whole);
  const left = Number(gift - floors.reduce((sum, part) => sum + part, 0n));
  const rests = weights.map((weight, at) => ({ at, rest: (gift * weight) % whole }));
  rests.sort((one, other) => (one.rest === other.rest ? one.at - other.at : one.rest > other.rest ? -1 : 1));
  const lucky = new Set(rests.slice(0, left).map(({ at }) => at));
  return floors.map((part, at) => (lucky.has(at) ? part + 1n : part));
}

export type Over = "cap" | "period";

/** Why a pledge gives nothing more; by the clock too, when the word of it is still on its way. */
export function overOf(pledge: Pledge | undefined, total: CharityTotal | undefined, nowMs: number): Over | undefined {
  if (total?.ended === PledgeEnd.CAP_REACHED) return "cap";
  const past = pledge !== undefined && pledge.endsAtMs > 0n && Number(pledge.endsAtMs) <= nowMs;
  return total?.ended === PledgeEnd.PERIOD_OVER || past ? "period" : undefined;
}
