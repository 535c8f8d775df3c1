import { expect, test } from "vitest";

import { AuditLineSchema } from "../../gen/apricot/v1/ops_pb";
import { ppmFrom } from "../../typed";
import { create } from "../../wire/messages";
import { newestFreezes } from "./freezes";
import { firstShown, frozenIds, inOrder, lengthOf, nothingPpm, percentOf, poolState, slotState, sumsOf } from "./pools";

const slot = (opens: number, closes: number, budget = 100n, spent = 0n) => ({ opensAtMs: BigInt(opens), closesAtMs: BigInt(closes), budgetMinor: budget, spentMinor: spent, leftMinor: budget - spent });

test("a slot is open from its first millisecond to before its last, as the server has it", () => {
  const states = [999, 1_000, 1_999, 2_000].map((now) => slotState(slot(1_000, 2_000), now));
  expect(states).toEqual(["soon", "open", "open", "over"]);
  expect(slotState(slot(1_000, 2_000, 100n, 100n), 1_500)).toBe("drained");
  expect(slotState(slot(1_000, 2_000, 100n, 100n), 2_000)).toBe("over");
});

test.each([
  [false, 500, "soon"],
  [false, 1_500, "drained"],
  [false, 2_500, "soon"],
  [false, 3_500, "open"],
  [false, 4_000, "over"],
  [true, 3_500, "frozen"],
])("a pool with two slots, frozen %s, is at %i %s", (frozen, now, state) => {
  const slots = [slot(1_000, 2_000, 100n, 100n), slot(3_000, 4_000)];
  expect(poolState({ frozen, slots }, now)).toBe(state);
});

test("what is on comes first, then what comes next, then what is over", () => {
  const of = (id: string, ...slots: ReturnType<typeof slot>[]) => ({ id, slots });
  const pools = [of("long over", slot(0, 10)), of("far", slot(900, 950)), of("on", slot(90, 110)), of("next", slot(0, 10), slot(200, 300)), of("just over", slot(0, 99)), of("on later", slot(95, 110, 1n, 1n))];
  expect(inOrder(pools, 100).map(({ id }) => id)).toEqual(["on later", "on", "next", "far", "just over", "long over"]);
});

test.each([
  [0, 0],
  [250, 2],
  [500, 5],
  [900, 6],
])("of ten slots at %i four are shown from the one with the number %i", (now, first) => {
  const slots = Array.from({ length: 10 }, (_, n) => slot(n * 100, n * 100 + 90));
  expect(firstShown(slots, now, 4)).toBe(first);
  expect(firstShown(slots.slice(0, 2), now, 4)).toBe(0);
});

test("sums are of all slots, and exact beyond what a float holds", () => {
  const large = 99_000_000_000_000n;
  const slots = Array.from({ length: 100 }, () => slot(0, 1, large, 1n));
  expect(sumsOf(slots)).toEqual({ budget: large * 100n, spent: 100n, left: large * 100n - 100n });
  expect(sumsOf([])).toEqual({ budget: 0n, spent: 0n, left: 0n });
});

test.each([
  [0n, 100n, 0],
  [1n, 1_000_000n, 1],
  [50n, 100n, 50],
  [333n, 1_000n, 33.3],
  [999_999n, 1_000_000n, 99],
  [100n, 100n, 100],
  [1n, 0n, 0],
  [-1n, 100n, 0],
])("%i of %i is %f of the bar", (part, whole, length) => {
  expect(lengthOf(part, whole)).toBe(length);
});

test("what tiers leave draws nothing", () => {
  expect(nothingPpm([{ chancePpm: 300_000 }, { chancePpm: 1 }])).toBe(699_999);
  expect(nothingPpm([{ chancePpm: 1_000_000 }])).toBe(0);
});

test("the frozen ones are the same text in any order", () => {
  const pools = [
    { id: "b", frozen: true },
    { id: "c", frozen: false },
    { id: "a", frozen: true },
  ];
  expect(frozenIds(pools)).toBe("a b");
  expect(frozenIds(pools.toReversed())).toBe("a b");
  expect(frozenIds([])).toBe("");
});

test("of a pool that was frozen twice the newest reason counts", () => {
  const line = (id: bigint, action: string, subject: string, reason: string) => create(AuditLineSchema, { id, action, subject, reason });
  const found = new Map();
  const ids = new Set(["p", "q"]);
  newestFreezes([line(9n, "unfreeze-pool", "q", "again"), line(8n, "freeze-pool", "p", "second"), line(7n, "freeze-pool", "other", "not ours")], ids, found);
  newestFreezes([line(6n, "freeze-pool", "p", "first"), line(5n, "freeze-pool", "q", "only")], ids, found);
  expect([...found].map(([id, { reason }]) => [id, reason])).toEqual([
    ["p", "second"],
    ["q", "only"],
  ]);
});

test("a share is written with all its digits, and read again as what it was", () => {
  expect([1, 125_000, 1_000_000, 100_000_000].map(percentOf)).toEqual(["0.0001%", "12.5%", "100%", "10000%"]);
  for (const ppm of [1, 9, 99, 12_345, 333_333, 999_999]) expect(ppmFrom(percentOf(ppm), 1, 1_000_000)).toBe(ppm);
});
