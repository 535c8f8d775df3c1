// The terms of a flash sale while they are being written: text until they are sent, because half a number is no mistake yet.

import type { MessageInitShape } from "@bufbuild/protobuf";

import type { CreateSaleSchema } from "../gen/apricot/v1/api_pb";
import type { Money } from "../gen/apricot/v1/common_pb";
import type { RunSheetItem } from "../gen/apricot/v1/room_pb";
import { toDecimal } from "../money";
import { fromDecimal } from "../typed";

export interface Draft {
  readonly price: string;
  readonly stock: string;
  readonly limit: string;
  readonly minutes: string;
  readonly holdSeconds: string;
  readonly pledgeId: string;
}

export type DraftNumber = "stock" | "limit" | "minutes" | "holdSeconds";

export interface Terms {
  readonly priceMinor: bigint;
  readonly stock: number;
  readonly limit: number;
  readonly minutes: number;
  readonly holdSeconds: number;
  readonly pledgeId: string;
}

/** The bounds of CreateSale. */
export const BOUNDS: Record<DraftNumber, readonly [low: number, high: number]> = {
  stock: [1, 1_000_000],
  limit: [1, 99],
  minutes: [1, 1_440],
  holdSeconds: [10, 3_600],
};
const STOCK_FIRST = 50;
/** What the server takes for 0, except the hold, which it is configured for: three minutes are enough to find the wallet. */
const LIMIT_FIRST = 2;
const MINUTES_FIRST = 10;
const HOLD_FIRST = 180;

/** From the plan; where it says nothing, what most sales take. Never more than there is. */
export function draftOf(item: RunSheetItem | undefined, everyday: Money | undefined, onHand: number | undefined): Draft {
  const price = item?.price ?? everyday;
  const stock = item !== undefined && item.stock > 0 ? item.stock : Math.max(1, Math.min(STOCK_FIRST, onHand ?? STOCK_FIRST));
  return {
    price: price === undefined ? "" : toDecimal(price.minor, 2),
    stock: String(stock),
    limit: String(item?.limitPerBuyer || LIMIT_FIRST),
    minutes: String(Math.max(1, Math.round((item?.durationSeconds || MINUTES_FIRST * 60) / 60))),
    holdSeconds: String(item?.holdSeconds || HOLD_FIRST),
    pledgeId: item?.pledgeId ?? "",
  };
}

export type Mistakes = ReadonlySet<keyof Draft>;

export function readDraft(draft: Draft): { readonly terms: Terms } | { readonly mistakes: Mistakes } {
  const mistakes = new Set<keyof Draft>();
  const priceMinor = fromDecimal(draft.price) ?? 0n;
  if (priceMinor === 0n) mistakes.add("price");
  const number = (field: DraftNumber): number => {
    const value = wholeNumber(draft[field]);
    const [low, high] = BOUNDS[field];
    if (value === undefined || value < low || value > high) mistakes.add(field);
    return value ?? 0;
  };
  const terms = {
    priceMinor,
    stock: number("stock"),
    limit: number("limit"),
    minutes: number("minutes"),
    holdSeconds: number("holdSeconds"),
    pledgeId: draft.pledgeId,
  };
  return mistakes.size > 0 ? { mistakes } : { terms };
}

export function wholeNumber(text: string): number | undefined {
  const plain = text.normalize("NFKC").trim();
  return /^\d{1,7}$/.test(plain) ? Number(plain) : undefined;
}

/** One step of a stepper's button: from nonsense it starts at the low end. */
export function stepped(text: string, by: number, [low, high]: readonly [number, number]): string {
  const value = wholeNumber(text) ?? low;
  return String(Math.min(high, Math.max(low, value + by)));
}

/** Whole yuan up or down, and the cents stay. */
export function pricedUp(text: string, yuan: number): string {
  const minor = (fromDecimal(text) ?? 0n) + BigInt(yuan) * 100n;
  return toDecimal(minor < 1n ? 1n : minor, 2);
}

export function saleOf(sku: string, terms: Terms, currency: string, openNow: boolean): MessageInitShape<typeof CreateSaleSchema> {
  return {
    sku,
    price: { minor: terms.priceMinor, currency },
    stock: terms.stock,
    limitPerBuyer: terms.limit,
    holdSeconds: terms.holdSeconds,
    durationSeconds: terms.minutes * 60,
    pledgeId: terms.pledgeId,
    openNow,
  };
}
