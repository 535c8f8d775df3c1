// From the numbers of the wire to the keys of the catalogue.

import { RoomState } from "../gen/apricot/v1/room_pb";
import { OrderState, SaleState } from "../gen/apricot/v1/sale_pb";
import type { Problem } from "../gen/apricot/v1/common_pb";
import type { Catalogue } from "../text";

export type RoomStateName = keyof Catalogue["room"]["state"];
type OrderStateName = keyof Catalogue["orders"]["state"];
type SaleStateName = "unspecified" | "scheduled" | "open" | "soldOut" | "paused" | "closed";

const ROOM: Record<RoomState, RoomStateName> = {
  [RoomState.UNSPECIFIED]: "unspecified",
  [RoomState.SCHEDULED]: "scheduled",
  [RoomState.REHEARSAL]: "rehearsal",
  [RoomState.LIVE]: "live",
  [RoomState.PAUSED]: "paused",
  [RoomState.ENDED]: "ended",
};

const ORDER: Record<OrderState, OrderStateName> = {
  [OrderState.UNSPECIFIED]: "unspecified",
  [OrderState.WAITING]: "waiting",
  [OrderState.HELD]: "held",
  [OrderState.PAID]: "paid",
  [OrderState.PACKED]: "packed",
  [OrderState.SHIPPED]: "shipped",
  [OrderState.DELIVERED]: "delivered",
  [OrderState.CONFIRMED]: "confirmed",
  [OrderState.RELEASED]: "released",
  [OrderState.EXPIRED]: "expired",
  [OrderState.REFUNDED]: "refunded",
};

const SALE: Record<SaleState, SaleStateName> = {
  [SaleState.UNSPECIFIED]: "unspecified",
  [SaleState.SCHEDULED]: "scheduled",
  [SaleState.OPEN]: "open",
  [SaleState.SOLD_OUT]: "soldOut",
  [SaleState.PAUSED]: "paused",
  [SaleState.CLOSED]: "closed",
};

// A newer server may know states that this page doesn't.
export const roomStateName = (state: RoomState): RoomStateName => ROOM[state] ?? "unspecified";
export const orderStateName = (state: OrderState): OrderStateName => ORDER[state] ?? "unspecified";
export const saleStateName = (state: SaleState): SaleStateName => SALE[state] ?? "unspecified";

/** A provider's own words, in ours where we know them. */
export function declineText(t: Catalogue, reason: string): string {
  const known: Record<string, string> = t.declines;
  return (Object.hasOwn(known, reason) ? known[reason] : undefined) ?? reason;
}

export function problemText(t: Catalogue, problem: Problem): string {
  const known: Record<string, string> = t.problems;
  const plain = Object.hasOwn(known, problem.type) ? known[problem.type] : undefined;
  const text = plain ?? (problem.detail === "" ? t.unknown : problem.detail);
  return problem.bound !== "" && problem.type === "invalid-field" ? `${text} (${problem.field}: ${problem.bound})` : text;
}

/** What of a name fits in a circle: not a mark that turns the direction, nor one that takes no room. */
export function firstSign(name: string): string | undefined {
  return /\p{L}|\p{N}|\p{Extended_Pictographic}/u.exec(name)?.[0];
}
