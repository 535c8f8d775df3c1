// The paid orders of this person, newest first, and the receipt of each as the server wrote it.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { OrderListSchema } from "../gen/apricot/v1/api_pb";
import type { Order } from "../gen/apricot/v1/sale_pb";
import { utf8 } from "../verify/bytes";
import { Wrong } from "../verify/findings";
import { parseReceipt, type Receipt } from "../verify/receipt";
import { Refused } from "../wire/refused";
import { file, read } from "../wire/rest";
import { giftOf, type OrderGift } from "./sums";

export interface Paper {
  /** The file, byte for byte: what is downloaded and what is checked. */
  readonly text: string;
  readonly receipt: Receipt;
  readonly gift: OrderGift;
}

export type Reading = { readonly kind: "reading" | "failed" } | ({ readonly kind: "read" } & Paper);
export type Listing = { readonly kind: "reading" } | { readonly kind: "failed"; readonly problem: string } | { readonly kind: "read"; readonly next: string };

export interface Shelf {
  readonly listing: Listing;
  readonly orders: readonly Order[];
  readonly papers: ReadonlyMap<string, Reading>;
  readonly more: () => void;
  readonly again: (orderId: string) => void;
}

const PAGE = 50;
/** The server answers a person's requests at a measured pace. */
const AT_ONCE = 3;
/** A line is in the log within a second or two. */
const WAITING_AGAIN_MS = 3_000;
const WAITING_TIMES = 10;

async function readPaper(orderId: string): Promise<Paper> {
  const text = await (await file("/v1/orders/{order}/receipt", { order: orderId })).text();
  const receipt = parseReceipt(utf8(text));
  return { text, receipt, gift: giftOf(receipt) };
}

export function useShelf(): Shelf {
  const [listing, setListing] = useState<Listing>({ kind: "reading" });
  const [orders, setOrders] = useState<readonly Order[]>([]);
  const [papers, setPapers] = useState<ReadonlyMap<string, Reading>>(new Map());
  const queue = useRef<string[]>([]);
  const busy = useRef(0);
  const gone = useRef(false);
  useEffect(() => () => void (gone.current = true), []);

  const take = useCallback((orderId: string, reading: Reading) => {
    if (!gone.current) setPapers((known) => new Map(known).set(orderId, reading));
  }, []);
  const work = useCallback(() => {
    while (busy.current < AT_ONCE && queue.current.length > 0) {
      const orderId = queue.current.shift() ?? "";
      busy.current += 1;
      void readUntilTold(orderId, take, () => gone.current).finally(() => {
        busy.current -= 1;
        if (!gone.current) work();
      });
    }
  }, [take]);

  const readPage = useCallback(
    async (cursor: string) => {
      try {
        const page = await read("/v1/orders", {}, OrderListSchema, { cursor, limit: PAGE });
        const paid = page.orders.filter(({ paidAtMs }) => paidAtMs > 0n);
        setOrders((known) => [...known, ...paid.filter(({ id }) => known.every((other) => other.id !== id))]);
        setListing({ kind: "read", next: page.nextCursor });
        queue.current.push(...paid.map(({ id }) => id));
        work();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        setListing({ kind: "failed", problem: error.problem.type });
      }
    },
    [work],
  );
  useEffect(() => void readPage(""), [readPage]);
  const more = (): void => void readPage(listing.kind === "read" ? listing.next : "");
  const again = (orderId: string): void => {
    take(orderId, { kind: "reading" });
    queue.current.push(orderId);
    work();
  };
  return { listing, orders, papers, more, again };
}

/** What is paid a moment ago is not in the log yet: its receipt is asked for again. */
async function readUntilTold(orderId: string, take: (orderId: string, reading: Reading) => void, isOver: () => boolean): Promise<void> {
  try {
    const paper = await readPaper(orderId);
    take(orderId, { kind: "read", ...paper });
    if (paper.receipt.waiting > 0) setTimeout(() => void again(1), WAITING_AGAIN_MS);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Wrong)) throw error;
    take(orderId, { kind: "failed" });
  }
  async function again(times: number): Promise<void> {
    if (isOver()) return;
    const paper = await readPaper(orderId).catch(() => undefined);
    if (paper !== undefined) take(orderId, { kind: "read", ...paper });
    if (paper?.receipt.waiting !== 0 && times < WAITING_TIMES) setTimeout(() => void again(times + 1), WAITING_AGAIN_MS);
  }
}
