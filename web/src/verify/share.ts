// What a pledge owes, in whole minor units: docs/log.md, "What an order gives".

import type { PledgeLeaf } from "./leaf";

const WHOLE_PPM = 1_000_000n;

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/** Parts per million of an amount that is not negative. */
export function ofPpm(minor: bigint, ppm: number, rounding: PledgeLeaf["rounding"]): bigint {
  const product = minor * BigInt(ppm);
  const floor = product / WHOLE_PPM;
  const rest = product % WHOLE_PPM;
  switch (rounding) {
    case "down":
      return floor;
    case "up":
      return rest === 0n ? floor : floor + 1n;
    case "half_even":
      return rest * 2n > WHOLE_PPM || (rest * 2n === WHOLE_PPM && floor % 2n === 1n) ? floor + 1n : floor;
  }
}

/** Before the cap. */
export function share(pledge: PledgeLeaf, paid: bigint, quantity: number): bigint {
  if (pledge.base === "paid_price") return ofPpm(paid, pledge.sharePpm, pledge.rounding);
  return least(BigInt(pledge.perUnit) * BigInt(quantity), paid);
}

/** What still stands when `kept` of `paid` stays paid, so that refunds in any pieces end at the same figure. */
export function still(pledge: PledgeLeaf, paid: bigint, kept: bigint, quantity: number, accrued: bigint): bigint {
  if (pledge.base === "paid_price") return least(accrued, ofPpm(kept, pledge.sharePpm, pledge.rounding));
  return least(accrued, paid === 0n ? 0n : (share(pledge, paid, quantity) * kept) / paid);
}

/** Parts of a total: rounded down, and what is left one by one to the largest remainders, of equal ones to the earlier part. */
export function split(total: bigint, weights: readonly bigint[]): bigint[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0n);
  if (whole <= 0n) return weights.map(() => 0n);
  const parts = weights.map((weight) => (total * weight) / whole);
  const byRest = weights.map((weight, at) => ({ at, rest: (total * weight) % whole })).sort((one, other) => (one.rest === other.rest ? one.at - other.at : one.rest > other.rest ? -1 : 1));
  const left = total - parts.reduce((sum, part) => sum + part, 0n);
  for (const { at } of byRest.slice(0, Number(left))) parts[at] = (parts[at] ?? 0n) + 1n;
  return parts;
}

export function byWeight(pledge: PledgeLeaf, total: bigint): bigint[] {
  return split(total, pledge.parts.map(({ weight }) => BigInt(weight)));
}
