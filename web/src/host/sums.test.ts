import { expect, test } from "vitest";

import { RoomMinuteSchema } from "../gen/apricot/v1/ops_pb";
import { create } from "../wire/messages";
import { filled, netOf, shareOf } from "./sums";

const MINUTE = 60_000;

test("minutes that the record leaves out sold nothing, and nobody knows who watched", () => {
  const minute = (n: number, viewers: number, orders: bigint) =>
    create(RoomMinuteSchema, { atMs: BigInt(n * MINUTE), viewers, ordersPaid: orders, gmvMinor: orders * 3_280n });
  expect(filled([minute(3, 9, 2n), minute(0, 5, 0n)])).toEqual({
    at: [0, 60, 120, 180],
    viewers: [5, null, null, 9],
    orders: [0, 0, 0, 2],
    gmv: [0, 0, 0, 65.6],
  });
  expect(filled([]).at).toEqual([]);
});

test("what is left after refunds, commission, fee and charity", () => {
  expect(netOf({ gmvMinor: 10_000n, refundedMinor: 1_000n, commissionMinor: 0n, providerFeeMinor: 60n, charityMinor: 450n })).toBe(8_490n);
  expect(netOf({ gmvMinor: 100n, refundedMinor: 100n, commissionMinor: 0n, providerFeeMinor: 6n, charityMinor: 0n })).toBe(-6n);
});

test("a share has a tenth of a percent", () => {
  expect(shareOf(1n, 3n)).toBe(333_000);
  expect(shareOf(0n, 7n)).toBe(0);
});
