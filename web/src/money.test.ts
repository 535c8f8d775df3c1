import { expect, test } from "vitest";

import { PledgeBase, PledgeSchema, Rounding } from "./gen/apricot/v1/charity_pb";
import { firstLanguage } from "./language";
import { grouped, moneyParts, toDecimal } from "./money";
import { pledged } from "./pledged";
import { clockFace } from "./text";
import { UNSET, glanced, ponged } from "./room/clock";
import { create } from "./wire/messages";
import { uuid7 } from "./wire/uuid";

const shown = (minor: bigint, currency: string, language: string): string =>
  moneyParts({ minor, currency }, language).map((part) => part.value).join("");

test("money is shown in the reader's way, and an unknown currency as it came", () => {
  expect(shown(123456n, "CNY", "zh-CN")).toBe("¥1,234.56");
  expect(shown(123456n, "CNY", "en")).toBe("¥1,234.56");
  expect(shown(1234n, "JPY", "en")).toBe("¥1,234");
  expect(shown(5n, "<b>", "en")).toBe("5 <b>");
});

test.each(["zh-CN", "en"])("yuan and counts are written as Intl writes them in %s", (language) => {
  const yuan = new Intl.NumberFormat(language, { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" });
  const whole = new Intl.NumberFormat(language);
  for (const minor of [0, 1, 99, 100, 12_345, 99_999, 100_000, 123_456_789, 100_000_000_000, -1, -123_456]) {
    expect(moneyParts({ minor: BigInt(minor), currency: "CNY" }, language)).toEqual(yuan.formatToParts(minor / 100));
    expect(grouped(String(minor))).toBe(whole.format(minor));
  }
});

test.each([
  [0n, 2, "0.00"],
  [7n, 2, "0.07"],
  [-1250n, 2, "-12.50"],
  [1250n, 0, "1250"],
])("%s with %i digits is %s", (minor, digits, text) => expect(toDecimal(minor, digits)).toBe(text));

test.each([
  [Rounding.DOWN, 2990n, 74n],
  [Rounding.UP, 2990n, 75n],
  [Rounding.HALF_EVEN, 2990n, 75n],
  [Rounding.HALF_EVEN, 2980n, 74n],
  [Rounding.HALF_EVEN, 2900n, 72n],
  [Rounding.UP, 4000n, 100n],
])("2.5 %% rounded %i of %s is %s", (rounding, total, expected) => {
  const pledge = create(PledgeSchema, { base: PledgeBase.PAID_PRICE, sharePpm: 25_000, rounding });
  expect(pledged(pledge, total, 1)).toBe(expected);
});

test("a pledge per unit counts units", () => {
  const pledge = create(PledgeSchema, { base: PledgeBase.PER_UNIT, perUnit: { minor: 50n, currency: "CNY" } });
  expect(pledged(pledge, 9999n, 3)).toBe(150n);
});

test.each([
  [-5, "00:00"],
  [1, "00:01"],
  [61_000, "01:01"],
  [3_661_000, "1:01:01"],
])("%i ms left reads %s", (ms, face) => expect(clockFace(ms)).toBe(face));

test("the first language is what was chosen, then what the reader prefers, then Chinese", () => {
  expect(firstLanguage("en", ["zh-CN"])).toBe("en");
  expect(firstLanguage("<x>", ["fr", "en-GB"])).toBe("en");
  expect(firstLanguage(null, ["zh-TW", "en"])).toBe("zh-CN");
  expect(firstLanguage(null, ["fr"])).toBe("zh-CN");
});

test("the clock believes the quickest pong", () => {
  const first = glanced(UNSET, 10_500, 10_000);
  expect(first.skewMs).toBe(500);
  const sharp = ponged(first, 20_000, 21_010, 20_020);
  expect(sharp).toEqual({ skewMs: 1000, doubtMs: 10 });
  expect(ponged(sharp, 30_000, 35_000, 34_000).skewMs).toBe(1000);
  expect(glanced(sharp, 99, 1)).toBe(sharp);
});

test("order ids are version 7 and sort by time", () => {
  const fill = (byte: number) => (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => bytes.fill(byte);
  const early = uuid7(1_790_000_000_000, fill(0xff));
  const late = uuid7(1_790_000_000_001, fill(0));
  expect(early.slice(13)).toBe("-7fff-bfff-ffffffffffff");
  expect(parseInt(early.replaceAll("-", "").slice(0, 12), 16)).toBe(1_790_000_000_000);
  expect(early < late).toBe(true);
});
