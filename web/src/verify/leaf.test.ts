import { expect, test } from "vitest";

import { parseLeaf } from "./leaf";
import { byWeight, ofPpm, share, split, still } from "./share";
import { pledge } from "./testlog";

const [page = ""] = Object.values(import.meta.glob<string>("../../../docs/log.md", { query: "?raw", import: "default", eager: true }));
const LEAVES = page.split("\n").filter((line) => line.startsWith('{"v":1,"kind":'));

test("docs/log.md shows each kind of leaf, and each is read", () => {
  expect(new Set(LEAVES.map((leaf) => parseLeaf(leaf).kind)).size).toBe(11);
});

test.each(LEAVES)("there is one way to write %s", (leaf) => {
  const read = JSON.parse(leaf) as Record<string, unknown>;
  const keys = Object.keys(read);
  for (const key of keys) {
    const { [key]: gone, ...rest } = read;
    expect(() => parseLeaf(JSON.stringify(rest)), `without ${key}`).toThrow();
    expect(() => parseLeaf(JSON.stringify({ ...rest, [key]: gone })), `${key} last`).toSatisfy((check: () => void) => {
      if (key === keys.at(-1)) return check() === undefined || true;
      expect(check).toThrow();
      return true;
    });
    expect(() => parseLeaf(JSON.stringify({ ...read, [key]: {} })), `${key} is an object`).toThrow();
    expect(() => parseLeaf(JSON.stringify({ ...read, [key]: -1 })), `${key} is negative`).toThrow();
  }
  expect(() => parseLeaf(JSON.stringify({ ...read, more: 1 }))).toThrow();
  expect(() => parseLeaf(` ${leaf}`)).toThrow();
  expect(() => parseLeaf(leaf.replace(/:(\d+)([,}])/, ":$1.0$2"))).toThrow();
  expect(() => parseLeaf(leaf.replace('"kind"', '"\\u006bind"'))).toThrow();
  expect(() => parseLeaf(leaf.replace('"kind":', '"kind":"tally","kind":'))).toThrow();
});

test("texts that are no texts, and numbers that are too large", () => {
  const [accrual = ""] = LEAVES.filter((leaf) => leaf.includes('"accrual"'));
  expect(() => parseLeaf(accrual.replace("洛川县", "\\ud800"))).toThrow();
  expect(() => parseLeaf(accrual.replace("洛川县", "\\u0007"))).toThrow();
  expect(() => parseLeaf(accrual.replace("洛川县", "x".repeat(81)))).toThrow();
  expect(() => parseLeaf(accrual.replace('"line":17', '"line":9007199254740992'))).toThrow();
  expect(() => parseLeaf(accrual.replace('"amount":100', '"amount":99000000000001'))).toThrow();
  expect(() => parseLeaf(accrual.replace('"amount":100', '"amount":-0'))).toThrow();
  expect(() => parseLeaf("x".repeat(65_536))).toThrow();
});

test.each([
  ["down", 24n],
  ["half_even", 25n],
  ["up", 25n],
] as const)("0.99 of %s", (rounding, due) => expect(ofPpm(999n, 25_000, rounding)).toBe(due));

test("a half goes to the even neighbour", () => {
  expect([20n, 60n, 100n, 140n].map((minor) => ofPpm(minor, 25_000, "half_even"))).toEqual([0n, 2n, 2n, 4n]);
});

test("parts by largest remainder always add up", () => {
  expect(split(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
  expect(split(1n, [1n, 2n])).toEqual([0n, 1n]);
  expect(split(5n, [0n, 0n])).toEqual([0n, 0n]);
  for (let total = 0n; total < 200n; total += 1n) {
    const parts = split(total, [3n, 7n, 11n, 1n]);
    expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(total);
  }
});

function read(more: object) {
  const leaf = parseLeaf(pledge(more));
  if (leaf.kind !== "pledge") throw new Error("a pledge");
  return leaf;
}

test("an amount for each unit is never more than was paid", () => {
  const perUnit = read({ base: "per_unit", sharePpm: 0, perUnit: 300, currency: "CNY" });
  expect(share(perUnit, 1_000n, 2)).toBe(600n);
  expect(share(perUnit, 500n, 2)).toBe(500n);
  expect(still(perUnit, 1_000n, 333n, 2, 600n)).toBe(199n);
  expect(still(perUnit, 0n, 0n, 2, 0n)).toBe(0n);
});

test("any refunds leave what one refund would, and nothing when all is refunded", () => {
  const three = read({ parts: [1, 2, 4].map((weight) => ({ project: `p${weight}`, charity: "x", weight })) });
  for (const paid of [1n, 39n, 3_980n, 99_999_999n]) {
    const accrued = share(three, paid, 1);
    expect(byWeight(three, accrued).reduce((sum, part) => sum + part, 0n)).toBe(accrued);
    expect(still(three, paid, 0n, 1, accrued)).toBe(0n);
    expect(still(three, paid, paid, 1, accrued)).toBe(accrued);
    for (let kept = paid; kept > 0n; kept = kept / 2n) expect(still(three, paid, kept, 1, accrued)).toBeLessThanOrEqual(accrued);
  }
});
