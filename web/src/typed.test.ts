import { expect, test } from "vitest";

import { fromDecimal, ppmFrom } from "./typed";

test.each([
  ["12.5", 1250n],
  ["１２。５０", 1250n],
  [" 9 ", 900n],
  ["12.345", undefined],
  ["-3", undefined],
  ["1e3", undefined],
  ["", undefined],
])("a person typing %j means %s", (text, minor) => expect(fromDecimal(text)).toBe(minor));

test("other coins have other decimals", () => {
  expect([fromDecimal("12", 0), fromDecimal("12.5", 0), fromDecimal("1.2", 3), fromDecimal("1.2345", 3)]).toEqual([12n, undefined, 1_200n, undefined]);
});

test.each([
  ["100", 1_000_000],
  ["250 %", 2_500_000],
  ["１２。５", 125_000],
  ["0.0001", 1],
  ["10000", 100_000_000],
  ["10000.0001", undefined],
  ["0.00001", undefined],
  ["0", undefined],
  ["-1", undefined],
  ["", undefined],
])("%j of a hundred", (text, ppm) => {
  expect(ppmFrom(text, 1, 100_000_000)).toBe(ppm);
});
