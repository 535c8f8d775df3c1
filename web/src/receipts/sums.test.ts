import { expect, test } from "vitest";

import { parseReceipt } from "../verify/receipt";
import { utf8 } from "../verify/bytes";
import { TestLog, commitmentOf, line, pledge, receiptOf } from "../verify/testlog";
import { giftOf, totalsOf } from "./sums";

async function gift(lines: (order: string) => readonly string[], more: object = {}) {
  const log = await TestLog.open();
  log.leaves.push(pledge(), ...lines(await commitmentOf()));
  return giftOf(parseReceipt(utf8(JSON.stringify(await receiptOf(log, log.leaves.map((_, at) => at), more)))));
}

const match = (order: string, kind: "match" | "unmatch", number: number): string => {
  const common = { v: 1, kind, at: 3000, line: number, order, pool: "0190a000-0000-7000-8000-0000000000bb", slot: 0 };
  return JSON.stringify(kind === "match" ? { ...common, project: "lunches", tier: null, amount: 500, currency: "CNY" } : { ...common, amount: 500, currency: "CNY" });
};

test("each order stands where its lines say", async () => {
  const accrual = (order: string) => line("accrual", 1, order, {});
  expect((await gift((order) => [accrual(order)])).standing).toBe("accrued");
  expect((await gift((order) => [accrual(order), line("confirmation", 2, order, { amount: 100 })])).standing).toBe("confirmed");
  expect((await gift((order) => [accrual(order), line("reversal", 2, order, { kept: 0, amount: 100 })])).standing).toBe("reversed");
  const both = await gift((order) => [accrual(order), line("confirmation", 2, order, { amount: 100 }), line("reversal", 3, order, { amount: 50, confirmed: true })]);
  expect(both).toMatchObject({ standing: "confirmed", leaf: 1, parts: [{ accrued: 100n, reversed: 50n, confirmed: 50n, matched: 0n }] });
  expect((await gift(() => [], { entries: [], waiting: 1 })).standing).toBe("waiting");
  expect((await gift(() => [], { entries: [] })).standing).toBe("nothing");
});

test("sums for each project and in all, sponsors' matches apart", async () => {
  const gifts = await Promise.all([
    gift((order) => [line("accrual", 1, order, {}), match(order, "match", 2)]),
    gift((order) => [line("accrual", 1, order, { project: "books" }), line("reversal", 2, order, { amount: 30 })]),
    gift((order) => [line("accrual", 1, order, {}), match(order, "match", 2), match(order, "unmatch", 3)]),
    gift(() => [], { entries: [] }),
  ]);
  const [cny, ...others] = totalsOf(gifts);
  expect(others).toEqual([]);
  expect(cny?.all).toMatchObject({ orders: 3, accrued: 300n, reversed: 30n, matched: 500n });
  expect(cny?.projects.map(({ project, orders, accrued, reversed, matched }) => [project, orders, accrued - reversed, matched])).toEqual([
    ["lunches", 2, 200n, 500n],
    ["books", 1, 70n, 0n],
  ]);
});
