import { expect, test } from "vitest";

import { RunSheetItemSchema } from "../gen/apricot/v1/room_pb";
import { create } from "../wire/messages";
import { draftOf, pricedUp, readDraft, stepped, type Draft } from "./terms";

const EVERYDAY = { $typeName: "apricot.v1.Money", minor: 4_680n, currency: "CNY" } as const;
const GOOD: Draft = { price: "32.80", stock: "50", limit: "2", minutes: "10", holdSeconds: "180", pledgeId: "" };

test("a plan without terms starts with what most sales take, and never with more than there is", () => {
  expect(draftOf(create(RunSheetItemSchema, { sku: "walnut" }), EVERYDAY, 12)).toEqual({ ...GOOD, price: "46.80", stock: "12" });
  expect(draftOf(undefined, EVERYDAY, 0).stock).toBe("1");
});

test("a plan is taken as it was written", () => {
  const item = create(RunSheetItemSchema, {
    sku: "walnut",
    price: { minor: 3_280n, currency: "CNY" },
    stock: 40,
    limitPerBuyer: 5,
    durationSeconds: 900,
    holdSeconds: 60,
    pledgeId: "p",
  });
  expect(draftOf(item, EVERYDAY, 12)).toEqual({ price: "32.80", stock: "40", limit: "5", minutes: "15", holdSeconds: "60", pledgeId: "p" });
});

test.each<[Partial<Draft>, (keyof Draft)[]]>([
  [{}, []],
  [{ price: "" }, ["price"]],
  [{ price: "0" }, ["price"]],
  [{ price: "３２。８" }, []],
  [{ stock: "0" }, ["stock"]],
  [{ stock: "1000001" }, ["stock"]],
  [{ limit: "100", minutes: "1441", holdSeconds: "9" }, ["limit", "minutes", "holdSeconds"]],
  [{ minutes: "ten" }, ["minutes"]],
])("%o lacks %o", (change, mistakes) => {
  const read = readDraft({ ...GOOD, ...change });
  expect("mistakes" in read ? [...read.mistakes] : []).toEqual(mistakes);
});

test("steps stay inside the bounds and start from nonsense at the low end", () => {
  expect(stepped("1", -1, [1, 99])).toBe("1");
  expect(stepped("98", 10, [1, 99])).toBe("99");
  expect(stepped("many", 1, [1, 99])).toBe("2");
  expect(pricedUp("32.80", 1)).toBe("33.80");
  expect(pricedUp("0.50", -1)).toBe("0.01");
});
