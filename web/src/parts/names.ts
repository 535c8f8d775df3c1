// From the numbers of the wire to the keys of the catalogue.

import { RoomState } from "../gen/apricot/v1/room_pb";
import { OrderState, SaleState } from "../gen/apricot/v1/sale_pb";
import type { Problem } from "../gen/apricot/v1/common_pb";
import type { Catalogue } from "../text";

type RoomStateName = keyof Catalogue["room"]["state"];
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

export function problemText(t: Catalogue, problem: Problem): string {
  const known: Record<string, string> = t.problems;
  const plain = Object.hasOwn(known, problem.type) ? known[problem.type] : undefined;
  const text = plain ?? (problem.detail === "" ? t.unknown : problem.detail);
  return problem.bound !== "" && problem.type === "invalid-field" ? `${text} (${problem.field}: ${problem.bound})` : text;
}
