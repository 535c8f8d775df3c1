// What is looked at before a flash sale opens. Pure: fresh values in, marks out; the words are the sheet's.

import type { Pledge } from "../gen/apricot/v1/charity_pb";
import { RoomState, type Product } from "../gen/apricot/v1/room_pb";
import { SaleState, type FlashSale } from "../gen/apricot/v1/sale_pb";
import type { Terms } from "./terms";

/** `bad` keeps the sale closed, `warn` only says so. */
export type Mark = "good" | "warn" | "bad";

export interface Fresh {
  readonly product: Product | undefined;
  readonly sales: readonly FlashSale[];
  /** Of the id that the terms name; undefined when there is none, or none was found. */
  readonly pledge: Pledge | undefined;
  readonly roomState: RoomState;
}

export type PledgeCheck = "none" | "runs" | "missing" | "unsigned" | "not-yet" | "over";

export interface Checks {
  readonly stock: { readonly mark: Mark; readonly onHand: number };
  readonly price: { readonly mark: Mark; readonly everydayMinor: bigint; readonly how: "below" | "equal" | "above" };
  readonly pledge: { readonly mark: Mark; readonly how: PledgeCheck };
  readonly others: { readonly mark: Mark; readonly open: readonly FlashSale[]; readonly same: boolean };
  readonly air: { readonly mark: Mark };
  readonly mayOpen: boolean;
}

const GOING: readonly SaleState[] = [SaleState.OPEN, SaleState.SOLD_OUT, SaleState.PAUSED];

export function checksOf(terms: Terms, fresh: Fresh, serverMs: number): Checks {
  const onHand = fresh.product?.onHand ?? 0;
  const stock = { mark: terms.stock <= onHand ? "good" : "bad", onHand } as const;

  const everydayMinor = fresh.product?.price?.minor ?? 0n;
  const how = terms.priceMinor > everydayMinor ? "above" : terms.priceMinor === everydayMinor ? "equal" : "below";
  const price = { mark: how === "above" ? "warn" : "good", everydayMinor, how } as const;

  const state = pledgeCheck(terms.pledgeId, fresh.pledge, serverMs);
  const pledge = { mark: state === "runs" ? "good" : state === "none" ? "warn" : "bad", how: state } as const;

  const open = fresh.sales.filter((sale) => GOING.includes(sale.state) && (sale.closesAtMs === 0n || Number(sale.closesAtMs) > serverMs));
  const same = open.some(({ sku }) => sku === fresh.product?.sku);
  const others = { mark: open.length > 0 ? "warn" : "good", open, same } as const;

  const air = { mark: fresh.roomState === RoomState.LIVE ? "good" : fresh.roomState === RoomState.ENDED ? "bad" : "warn" } as const;
  const mayOpen = fresh.product !== undefined && [stock, price, pledge, others, air].every(({ mark }) => mark !== "bad");
  return { stock, price, pledge, others, air, mayOpen };
}

function pledgeCheck(id: string, pledge: Pledge | undefined, serverMs: number): PledgeCheck {
  if (id === "") return "none";
  if (pledge === undefined) return "missing";
  if (pledge.agreementSha256 === "") return "unsigned";
  if (pledge.startsAtMs > 0n && Number(pledge.startsAtMs) > serverMs) return "not-yet";
  return pledge.endsAtMs > 0n && Number(pledge.endsAtMs) <= serverMs ? "over" : "runs";
}
