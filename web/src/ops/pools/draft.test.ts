import { expect, test } from "vitest";

import { CreatePoolSchema } from "../../gen/apricot/v1/pool_pb";
import { create, toJson } from "../../wire/messages";
import { chancesOf, emptyPool, kindOf, localTime, readPoolDraft, refusedField, slotAfter, type Field, type PoolDraft } from "./draft";
import { en } from "./en";
import { zhCN } from "./zh-CN";

const NOW = new Date(2026, 10, 30, 12, 30, 20).getTime();
const PLEDGE = "0190a000-0000-7000-8000-000000000001";
const EMPTY = emptyPool(NOW);
const GOOD: PoolDraft = { ...EMPTY, sponsor: " 示例果园 ", slots: [{ opens: "", closes: "2026-11-30T13:30", budget: "2000" }] };

const requestOf = (more: Partial<PoolDraft>) => {
  const read = readPoolDraft({ ...GOOD, ...more }, NOW);
  if ("mistakes" in read) throw new Error(`a good draft: ${[...read.mistakes.keys()].join()}`);
  return toJson(CreatePoolSchema, create(CreatePoolSchema, read.request));
};

test("few fields make a pool that doubles gifts for an hour", () => {
  expect(EMPTY.slots).toEqual([{ opens: "", closes: "2026-11-30T13:30", budget: "" }]);
  expect(requestOf({})).toEqual({
    sponsor: "示例果园",
    currency: "CNY",
    terms: { buyerDayCapMinor: "20000", buyerMinuteLimit: 30, ratio: { ppm: 1_000_000 } },
    slots: [{ closesAtMs: String(new Date(2026, 10, 30, 13, 30).getTime()), budgetMinor: "200000" }],
  });
});

test("each rule is told as the contract has it", () => {
  const draw = { rule: "draw" as const, tiers: [{ chance: "30", amount: "5" }, { chance: "0.0001", amount: "50.50" }] };
  expect(requestOf(draw).terms).toMatchObject({ draw: { tiers: [{ chancePpm: 300_000, amountMinor: "500" }, { chancePpm: 1, amountMinor: "5050" }] } });
  const hearts = { rule: "hearts" as const, room: "hillside", hearts: "100", amount: "1", pledge: PLEDGE.toUpperCase(), project: "school-lunch", projectCap: "9.99" };
  expect(requestOf(hearts).terms).toMatchObject({ project: "school-lunch", projectCapMinor: "999", hearts: { roomId: "hillside", hearts: 100, amountMinor: "100", pledgeId: PLEDGE } });
});

test("amounts have the decimals of their currency", () => {
  expect(requestOf({ currency: "jpy", dayCap: "" }).slots).toMatchObject([{ budgetMinor: "2000" }]);
  expect(requestOf({ currency: "XYZ" }).slots).toMatchObject([{ budgetMinor: "200000" }]);
  expect(readPoolDraft({ ...GOOD, currency: "JPY", dayCap: "1.5" }, NOW)).toEqual({ mistakes: new Map([["dayCap", ""]]) });
});

test.each<[string, Partial<PoolDraft>, Field[]]>([
  ["no sponsor", { sponsor: "  " }, ["sponsor"]],
  ["no ratio", { percent: "0" }, ["percent"]],
  ["another rule's fields don't matter", { rule: "draw", percent: "", tiers: [{ chance: "100", amount: "1" }] }, []],
  ["a tier without an amount", { rule: "draw" }, ["amount 0"]],
  ["more than everything", { rule: "draw", tiers: [{ chance: "60", amount: "1" }, { chance: "60", amount: "" }] }, ["amount 1", "tiers"]],
  ["hearts of nowhere", { rule: "hearts", hearts: "1.5" }, ["room", "pledge", "hearts", "amount"]],
  ["no budget", { slots: [{ opens: "", closes: "2026-11-30T13:30", budget: "0" }] }, ["budget 0"]],
  ["closed before now", { slots: [{ opens: "", closes: "2026-11-30T12:30", budget: "1" }] }, ["closes 0"]],
  ["closed before it opens", { slots: [{ opens: "2026-12-01T10:00", closes: "2026-12-01T10:00", budget: "1" }] }, ["closes 0"]],
  ["no such day", { slots: [{ opens: "2026-13-01T10:00", closes: "", budget: "1" }] }, ["opens 0", "closes 0"]],
  ["caps that are no money", { dayCap: "-1", projectCap: "0" }, ["dayCap", "projectCap"]],
  ["never in a minute", { minuteLimit: "0" }, ["minuteLimit"]],
  ["no currency", { currency: "元" }, ["currency"]],
])("%s", (_, more, fields) => {
  const read = readPoolDraft({ ...GOOD, ...more }, NOW);
  expect("mistakes" in read ? [...read.mistakes.keys()] : []).toEqual(fields);
});

test("the minute that it is now is at once, and one before it is left to the server", () => {
  const opens = (text: string) => requestOf({ slots: [{ opens: text, closes: "2026-11-30T14:00", budget: "1" }] }).slots;
  expect(opens("2026-11-30T12:30")).toMatchObject([{ budgetMinor: "100" }]);
  expect(opens("2026-11-30T12:30")).not.toMatchObject([{ opensAtMs: expect.anything() }]);
  expect(opens("2026-11-30T12:29")).toMatchObject([{ opensAtMs: String(new Date(2026, 10, 30, 12, 29).getTime()) }]);
});

test("the next slot begins where the last one ends, and is as long and as large", () => {
  const first = { opens: "2026-12-01T20:00", closes: "2026-12-01T20:15", budget: "500" };
  expect(slotAfter([first], NOW)).toEqual({ opens: "2026-12-01T20:15", closes: "2026-12-01T20:30", budget: "500" });
  expect(slotAfter([{ opens: "", closes: "2026-11-30T13:30", budget: "" }], NOW)).toMatchObject({ opens: "2026-11-30T13:30", closes: "2026-11-30T14:30" });
  expect(slotAfter([{ opens: "", closes: "", budget: "" }], NOW)).toMatchObject({ opens: localTime(NOW) });
});

test("chances that are not written yet are none", () => {
  expect(chancesOf([{ chance: "30", amount: "" }, { chance: "", amount: "" }, { chance: "0.5", amount: "" }])).toBe(305_000);
});

test.each<[string, PoolDraft["rule"], Field | undefined]>([
  ["sponsor", "ratio", "sponsor"],
  ["currency", "ratio", "currency"],
  ["project", "ratio", "project"],
  ["buyerDayCapMinor", "ratio", "dayCap"],
  ["projectCap", "ratio", "projectCap"],
  ["buyerMinuteLimit", "ratio", "minuteLimit"],
  ["ppm", "ratio", "percent"],
  ["tiers", "draw", "tiers"],
  ["chancePpm", "draw", "tiers"],
  ["amount", "draw", "tiers"],
  ["amount", "hearts", "amount"],
  ["id", "hearts", "room"],
  ["pledgeId", "hearts", "pledge"],
  ["slots", "ratio", "opens 0"],
  ["slots[0].budgetMinor", "ratio", "budget 0"],
  ["slots[12].opensAtMs", "ratio", "opens 12"],
  ["slots[1].closesAtMs", "ratio", "closes 1"],
  ["slots[1].toString", "ratio", undefined],
  ["toString", "ratio", undefined],
  ["", "ratio", undefined],
])("a refusal of %j, by %s, is shown at %s", (field, rule, at) => {
  const mistakes = refusedField({ type: "invalid-field", field, bound: "1..=9" }, rule);
  expect([...mistakes]).toEqual(at === undefined ? [] : [[at, "1..=9"]]);
  if (at !== undefined) for (const words of [zhCN, en]) expect(words.wrong[kindOf(at)]).not.toBe("");
});

test("what isn't there is the pledge that hearts name", () => {
  const missing = { type: "not-found", field: "", bound: "" };
  expect([refusedField(missing, "hearts"), refusedField(missing, "ratio")]).toEqual([new Map([["pledge", ""]]), new Map()]);
});
