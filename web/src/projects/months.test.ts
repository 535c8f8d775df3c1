import { expect, test } from "vitest";

import { monthOf, monthsBack } from "./months";

const at = (text: string): number => Date.parse(text);

test("months go back over a new year, and not beyond the begin", () => {
  expect(monthOf(at("2026-11-30T15:59:59Z"))).toBe("2026-11");
  expect(monthOf(at("2026-11-30T16:00:00Z"))).toBe("2026-12");
  expect(monthsBack(at("2027-01-31T12:00:00Z"), at("2026-11-05T00:00:00Z"), 6)).toEqual(["2027-01", "2026-12", "2026-11"]);
  expect(monthsBack(at("2027-03-31T12:00:00Z"), 0, 3)).toEqual(["2027-03", "2027-02", "2027-01"]);
  // A project that begins tomorrow has this month's, which is empty.
  expect(monthsBack(at("2027-03-31T12:00:00Z"), at("2027-04-01T00:00:00Z"), 3)).toEqual(["2027-03"]);
});
