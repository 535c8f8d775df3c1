import { describe, expect, test } from "vitest";

import { CharityTotalSchema, PledgeBase, PledgeEnd, PledgeSchema } from "./gen/apricot/v1/charity_pb";
import { fitting, overOf, pledged, shares } from "./pledged";
import { create } from "./wire/messages";

const split = (gift: bigint, weights: number[]): readonly bigint[] => shares({ parts: create(PledgeSchema, { parts: weights.map((weight) => ({ weight })) }).parts }, gift);

describe("a gift is split by largest remainder", () => {
  test.each([
    [139n, [1], [139n]],
    [100n, [1, 1, 1], [34n, 33n, 33n]],
    [101n, [1, 1, 1], [34n, 34n, 33n]],
    [10n, [1, 2], [3n, 7n]],
    [1n, [1, 1000], [0n, 1n]],
    [1n, [0, 0], [1n, 0n]],
    [7n, [3, 3, 1], [3n, 3n, 1n]],
    [0n, [5, 1], [0n, 0n]],
  ] as const)("%d by %j", (gift, weights, expected) => {
    expect(split(gift, [...weights])).toEqual(expected);
  });

  test("to the last fen, whatever the weights", () => {
    for (let gift = 0n; gift < 300n; gift += 7n) {
      for (const weights of [[1, 2, 3, 4, 5], [1000, 1, 1], [7, 7, 7, 7], [333, 667]]) {
        const parts = split(gift, weights);
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(gift);
        const whole = weights.reduce((sum, weight) => sum + weight, 0);
        parts.forEach((part, at) => expect(Math.abs(Number(part) - (Number(gift) * (weights[at] ?? 0)) / whole)).toBeLessThan(1));
      }
    }
  });
});

test("an amount for each unit is never more than what was paid", () => {
  const pledge = create(PledgeSchema, { base: PledgeBase.PER_UNIT, perUnit: { minor: 500n, currency: "CNY" } });
  expect(pledged(pledge, 4_680n, 2)).toBe(1_000n);
  expect(pledged(pledge, 300n, 1)).toBe(300n);
});

test("what is said to be given stops at the cap", () => {
  const pledge = create(PledgeSchema, { cap: { minor: 1_000n, currency: "CNY" } });
  const total = (accrued: bigint, reversed: bigint) => create(CharityTotalSchema, { grossAccruedMinor: accrued, grossReversedMinor: reversed });
  expect(fitting(pledge, undefined, 150n)).toBe(150n);
  expect(fitting(pledge, total(900n, 0n), 150n)).toBe(100n);
  expect(fitting(pledge, total(1_000n, 50n), 150n)).toBe(50n);
  expect(fitting(pledge, total(1_000n, 0n), 150n)).toBe(0n);
  expect(fitting(create(PledgeSchema), total(1_000n, 0n), 150n)).toBe(150n);
});

test("a pledge is over when the record says so, or its time has passed", () => {
  const pledge = create(PledgeSchema, { endsAtMs: 5_000n });
  const total = (ended: PledgeEnd) => create(CharityTotalSchema, { ended });
  expect(overOf(pledge, total(PledgeEnd.UNSPECIFIED), 4_999)).toBeUndefined();
  expect(overOf(pledge, undefined, 5_000)).toBe("period");
  expect(overOf(pledge, total(PledgeEnd.CAP_REACHED), 6_000)).toBe("cap");
  expect(overOf(undefined, total(PledgeEnd.PERIOD_OVER), 0)).toBe("period");
});
