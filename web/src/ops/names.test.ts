import { expect, test } from "vitest";

import { AuditLineSchema } from "../gen/apricot/v1/ops_pb";
import { wordsOf } from "../text";
import { create } from "../wire/messages";
import { accountName, auditReason, auditSubject } from "./names";
import { en } from "./text/en";
import { lightRules as enRules } from "./text/en/record";
import { lightNames as enNames } from "./text/en/rules";
import { zhCN } from "./text/zh-CN";
import { lightRules as zhRules } from "./text/zh-CN/record";
import { lightNames as zhNames } from "./text/zh-CN/rules";

const words = await wordsOf("zh-CN");

test("every rule has a name and a sentence in both languages", () => {
  const names = Object.keys(zhNames).sort();
  for (const others of [zhRules, enNames, enRules]) expect(Object.keys(others).sort()).toEqual(names);
});

test.each([
  ["host_payable/lin", "应付农户", "lin"],
  ["buyer_clearing/sandbox", "买家付来的", "支付沙盒"],
  ["platform_commission", "平台佣金", ""],
  ["escrow/a/b", "escrow", "a/b"],
])("the account %s is %s of %s", (name, kind, owner) => {
  expect(accountName(zhCN, name)).toEqual({ kind, owner });
});

test.each([
  ["change-state", "valley Live", "valley → 直播中"],
  ["change-state", "valley Sunken", "valley Sunken"],
  ["mute", "valley Live", "valley Live"],
])("%s of %s is said as %s", (action, subject, said) => {
  expect(auditSubject(words, create(AuditLineSchema, { action, subject }))).toBe(said);
});

test("what was done to the sandbox is said in words, and people's reasons as they wrote them", () => {
  const turned = "delay 1700 ms, twice 250000 ppm, out of turn 0 ppm, lost 0 ppm, slow 9 ms";
  const reason = (action: string, reason: string): string => auditReason(en, words, create(AuditLineSchema, { action, reason }));
  expect(reason("turn-knobs", turned)).toBe("late by 1,700 ms, slow 9 ms, repeated 25%, overtaken 0%, lost 0%");
  expect(reason("refund", turned)).toBe(turned);
});
