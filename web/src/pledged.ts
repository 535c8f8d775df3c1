// Apart from money.ts: it reads messages of the wire, which some pages do without.

import { PledgeBase, Rounding, type Pledge } from "./gen/apricot/v1/charity_pb";

/** What a purchase gives. The server's posting has the last word; a cap may make it less. */
export function pledged(pledge: Pledge, totalMinor: bigint, quantity: number): bigint {
  if (pledge.base === PledgeBase.PER_UNIT) return (pledge.perUnit?.minor ?? 0n) * BigInt(quantity);
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
