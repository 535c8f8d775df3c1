import { expect, test } from "vitest";

import { PledgeBase } from "../../gen/apricot/v1/charity_pb";
import { EMPTY_PLEDGE, ppmOf, readPledgeDraft, weightOf, type PledgeDraft } from "./draft";

const NOW = new Date(2026, 10, 30, 12).getTime();
const GOOD: PledgeDraft = { ...EMPTY_PLEDGE, parts: [{ id: "a", title: "A", weight: "2" }], hash: "ab".repeat(32) };

test.each([
  ["5", 50_000],
  ["2.5%", 25_000],
  ["２．５", 25_000],
  ["0.01", 100],
  ["100", 1_000_000],
  ["100.0001", undefined],
  ["0", undefined],
  ["", undefined],
  ["five", undefined],
])("a share of %j", (text, ppm) => {
  expect(ppmOf(text)).toBe(ppm);
});

test("weights are whole numbers from 1 to 1000", () => {
  expect(["1", "1000", "0", "1001", "1.5", ""].map(weightOf)).toEqual([1, 1000, undefined, undefined, undefined, undefined]);
});

test.each([
  [{}, []],
  [{ parts: [] }, ["parts"]],
  [{ parts: [{ id: "a", title: "A", weight: "0" }] }, ["weight"]],
  [{ percent: "101" }, ["share"]],
  [{ base: "unit" as const, percent: "101", perUnit: "0" }, ["unit"]],
  [{ cap: "0" }, ["cap"]],
  [{ until: "2026-11-29" }, ["period"]],
  [{ from: "2026-12-02", until: "2026-12-01" }, ["period"]],
  [{ from: "2026-12-01", until: "2026-12-01" }, []],
  [{ hash: "ab" }, ["hash"]],
])("%j", (more, mistakes) => {
  const read = readPledgeDraft({ ...GOOD, ...more }, NOW);
  expect("mistakes" in read ? [...read.mistakes] : []).toEqual(mistakes);
});

test("the last day counts to its end", () => {
  const read = readPledgeDraft({ ...GOOD, base: "unit", perUnit: "1.50", cap: "1000", until: "2026-11-30" }, NOW);
  if (!("pledge" in read)) throw new Error("a good draft");
  expect(read.pledge).toMatchObject({ base: PledgeBase.PER_UNIT, perUnit: { minor: 150n }, cap: { minor: 100_000n }, endsAtMs: BigInt(new Date(2026, 11, 1).getTime()) });
});
