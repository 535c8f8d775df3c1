// How dates, times and shares read, in both languages. The zone is fixed: what is another day depends on it.

import { afterAll, beforeAll, expect, test, vi } from "vitest";

import type { Language } from "./language";
import { wordsOf } from "./text";

beforeAll(() => void vi.stubEnv("TZ", "Asia/Shanghai"));
afterAll(() => void vi.unstubAllEnvs());

const at = (text: string): number => Date.parse(`${text}+08:00`);
const NOON = at("2026-03-08T12:00:00");
/** Between a day and its time ICU has put different kinds of space over the years. */
const plain = (text: string): string => text.replace(/\s/gu, " ");

test.each<[Language, string, string]>([
  ["zh-CN", "2026-03-08T09:05:00", "09:05"],
  ["zh-CN", "2026-03-08T00:00:00", "00:00"],
  ["zh-CN", "2026-03-08T23:59:59", "23:59"],
  ["zh-CN", "2026-03-07T23:59:59", "3月7日 23:59"],
  ["zh-CN", "2026-03-09T00:00:00", "3月9日 00:00"],
  ["en", "2026-03-08T09:05:00", "09:05"],
  ["en", "2026-03-08T00:00:00", "00:00"],
  ["en", "2026-03-07T23:59:59", "Mar 7, 23:59"],
  ["en", "2026-03-09T00:00:00", "Mar 9, 00:00"],
])("%s: at noon of the 8th, %s is %s", async (language, when, said) => {
  const { moment } = await wordsOf(language);
  expect(plain(moment(at(when), NOON))).toBe(said);
});

test.each<[Language, string, string]>([
  ["zh-CN", "2026年3月8日 00:30", "2026年3月8日"],
  ["en", "Mar 8, 2026, 00:30", "Mar 8, 2026"],
])("%s: a paper that is kept has the year", async (language, stamped, dated) => {
  const { stamp, day } = await wordsOf(language);
  expect(plain(stamp(at("2026-03-08T00:30:00")))).toBe(stamped);
  expect(plain(day(at("2026-03-08T00:30:00")))).toBe(dated);
});

test.each<Language>(["zh-CN", "en"])("%s: shares below each other have the same decimals, one in a sentence has what it needs", async (language) => {
  const { share, percent } = await wordsOf(language);
  expect([0, 5_000, 50_000, 333_333, 1_000_000].map(share)).toEqual(["0.0%", "0.5%", "5.0%", "33.3%", "100.0%"]);
  expect([0, 25_000, 50_000, 333_333].map(percent)).toEqual(["0%", "2.5%", "5%", "33.33%"]);
});
