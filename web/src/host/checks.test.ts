import { expect, test } from "vitest";

import { PledgeSchema } from "../gen/apricot/v1/charity_pb";
import { ProductSchema, RoomState } from "../gen/apricot/v1/room_pb";
import { FlashSaleSchema, SaleState } from "../gen/apricot/v1/sale_pb";
import { create } from "../wire/messages";
import { checksOf, type Fresh } from "./checks";
import type { Terms } from "./terms";

const NOW = 1_790_000_000_000;
const TERMS: Terms = { priceMinor: 3_280n, stock: 10, limit: 2, minutes: 10, holdSeconds: 60, pledgeId: "p" };
const FRESH: Fresh = {
  product: create(ProductSchema, { sku: "walnut", price: { minor: 4_680n, currency: "CNY" }, onHand: 10 }),
  sales: [],
  pledge: create(PledgeSchema, { id: "p", agreementSha256: "ab".repeat(32) }),
  roomState: RoomState.LIVE,
};
const pledge = (fields: Partial<{ startsAtMs: bigint; endsAtMs: bigint; agreementSha256: string }>) =>
  create(PledgeSchema, { id: "p", agreementSha256: "ab".repeat(32), ...fields });

test("all well", () => {
  const checks = checksOf(TERMS, FRESH, NOW);
  expect(checks.mayOpen).toBe(true);
  expect([checks.stock, checks.price, checks.pledge, checks.others, checks.air].map(({ mark }) => mark)).toEqual(Array(5).fill("good"));
});

test("one unit more than there is keeps it closed", () => {
  expect(checksOf({ ...TERMS, stock: 11 }, FRESH, NOW)).toMatchObject({ mayOpen: false, stock: { mark: "bad", onHand: 10 } });
});

test.each([
  [4_679n, "below", "good"],
  [4_680n, "equal", "good"],
  [4_681n, "above", "warn"],
])("a price of %s is %s: %s", (priceMinor, how, mark) => {
  expect(checksOf({ ...TERMS, priceMinor }, FRESH, NOW)).toMatchObject({ mayOpen: true, price: { how, mark } });
});

test("a sale that gives nothing is said before it opens, and may open", () => {
  expect(checksOf({ ...TERMS, pledgeId: "" }, { ...FRESH, pledge: undefined }, NOW)).toMatchObject({ mayOpen: true, pledge: { mark: "warn", how: "none" } });
});

test.each([
  [undefined, "missing"],
  [pledge({ agreementSha256: "" }), "unsigned"],
  [pledge({ startsAtMs: BigInt(NOW + 1) }), "not-yet"],
  [pledge({ endsAtMs: BigInt(NOW) }), "over"],
  [pledge({ startsAtMs: BigInt(NOW), endsAtMs: BigInt(NOW + 1) }), "runs"],
  [pledge({}), "runs"],
])("pledge %#: %s", (known, how) => {
  const checks = checksOf(TERMS, { ...FRESH, pledge: known }, NOW);
  expect(checks.pledge.how).toBe(how);
  expect(checks.mayOpen).toBe(how === "runs");
});

test("another sale is only said; one that has run out is none", () => {
  const sale = (state: SaleState, closesAtMs: number) => create(FlashSaleSchema, { sku: "honey", state, closesAtMs: BigInt(closesAtMs) });
  const sales = [sale(SaleState.OPEN, NOW + 1), sale(SaleState.OPEN, NOW), sale(SaleState.CLOSED, NOW + 1), sale(SaleState.PAUSED, NOW + 1)];
  const { others, mayOpen } = checksOf(TERMS, { ...FRESH, sales }, NOW);
  expect(others).toMatchObject({ mark: "warn", same: false });
  expect(others.open.length).toBe(2);
  expect(mayOpen).toBe(true);
});

test("a rehearsal warns, an ended room keeps it closed", () => {
  expect(checksOf(TERMS, { ...FRESH, roomState: RoomState.REHEARSAL }, NOW)).toMatchObject({ air: { mark: "warn" }, mayOpen: true });
  expect(checksOf(TERMS, { ...FRESH, roomState: RoomState.ENDED }, NOW).mayOpen).toBe(false);
});
