import { create } from "../wire/messages";
import { expect, test } from "vitest";

import { BoardRowSchema, BoardSchema } from "../gen/apricot/v1/log_pb";
import { daysOf, later, rowsIn } from "./board";
import { COLUMNS, PROVINCES, ROWS, provinceOf } from "./provinces";

test("there are 34 provinces, each on a tile of its own", () => {
  expect(PROVINCES.length).toBe(34);
  expect(new Set(PROVINCES.map(({ column, row }) => `${column},${row}`)).size).toBe(34);
  expect(new Set(PROVINCES.map(({ id }) => id)).size).toBe(34);
  expect(PROVINCES.every(({ column, row }) => column < COLUMNS && row < ROWS)).toBe(true);
});

test.each([
  ["新疆 轮台", "XJ"],
  ["陕西洛川", "SN"],
  ["山西, 运城", "SX"],
  ["内蒙古自治区阿拉善盟", "NM"],
  ["中国云南省漾濞县", "YN"],
  ["轮台，新疆", "XJ"],
  ["海南藏族自治州共和县", "QH"],
  ["海南省琼海市", "HI"],
  ["青海 海南州", "QH"],
  ["Luntai, Xinjiang", "XJ"],
  ["Gansu Lixian", "GS"],
  ["Hainan Tibetan Autonomous Prefecture, Qinghai", "QH"],
  ["luochuan, SHAANXI province", "SN"],
  ["Yuncheng, Shanxi", "SX"],
  ["Hong Kong", "HK"],
  ["Lhasa, Xizang", "XZ"],
  ["洛川县", undefined],
  ["Tibetan Plateau", undefined],
  ["", undefined],
])("%s is in %s", (place, id) => expect(provinceOf(place)?.id).toBe(id));

const row = (key: string, accrued: bigint, reversed = 0n, currency = "CNY") =>
  create(BoardRowSchema, { key, currency, grossAccruedMinor: accrued, grossReversedMinor: reversed, tallyLeaf: accrued });

test("days without a tally added nothing, and each day only what it added", () => {
  const days = daysOf([row("2026-03-01", 300n, 50n), row("2026-02-27", 100n), row("2026-02-27", 9n, 0n, "EUR"), row("someday", 1n)], "CNY");
  expect(days.at.map((seconds) => new Date(seconds * 1000).toISOString().slice(0, 10))).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
  expect(days.accrued).toEqual([100n, 0n, 200n]);
  expect(days.standing).toEqual([100n, 100n, 250n]);
  expect(days.leaf).toEqual([100n, undefined, 300n]);
});

test("the most given comes first, in one currency", () => {
  expect(rowsIn([row("a", 5n, 4n), row("b", 3n), row("c", 3n), row("d", 9n, 0n, "EUR")], "CNY").map(({ key }) => key)).toEqual(["b", "c", "a"]);
});

test("numbers never go back to a shorter log", () => {
  const [short, long] = [3n, 4n].map((logSize) => create(BoardSchema, { logSize }));
  if (short === undefined || long === undefined) throw new Error("two boards");
  expect([later(undefined, short), later(short, long), later(long, short)]).toEqual([short, long, long]);
});
