// What a room looks like, as pure functions over publications. The page draws this and decides nothing else.

import type { CharityTotal } from "../gen/apricot/v1/charity_pb";
import type { Money, StreamPosition } from "../gen/apricot/v1/common_pb";
import { Lane } from "../gen/apricot/v1/common_pb";
import { type Joined, type LiveState, type Publication } from "../gen/apricot/v1/live_pb";
import type { ChatLine, Room } from "../gen/apricot/v1/room_pb";
import { OrderState, PaymentState, SaleState, type FlashSale, type Order, type SaleStock } from "../gen/apricot/v1/sale_pb";
import { UNSET, glanced, ponged, type Clock } from "./clock";

/** Two or three screens of a phone; older lines are not read by anybody. */
export const LINES_MAX = 200;
/** Deletions run on a faster lane than chat, so a line can come after its own deletion. */
export const TOMBSTONES_MAX = 400;

export type Talk =
  | { readonly kind: "chat"; readonly key: string; readonly atMs: number; readonly line: ChatLine }
  | { readonly kind: "notice"; readonly key: string; readonly atMs: number; readonly text: string }
  | { readonly kind: "milestone"; readonly key: string; readonly atMs: number; readonly pledgeId: string; readonly reached: Money }
  | { readonly kind: "skipped"; readonly key: string; readonly atMs: number; readonly lines: number };

export interface Me {
  readonly subject: string;
  readonly role: string;
  readonly name: string;
}

export interface RoomView {
  readonly joined: boolean;
  readonly me: Me;
  readonly room: Room | undefined;
  readonly sales: ReadonlyMap<string, FlashSale>;
  readonly stocks: ReadonlyMap<string, SaleStock>;
  readonly charity: ReadonlyMap<string, CharityTotal>;
  readonly talk: readonly Talk[];
  readonly tombstones: readonly string[];
  readonly orders: ReadonlyMap<string, Order>;
  readonly viewers: number;
  readonly hearts: bigint;
  readonly position: StreamPosition | undefined;
  /** When the snapshot was made: what was published before it and is played back after it is older. */
  readonly snapshotAtMs: bigint;
  readonly clock: Clock;
}

export const EMPTY_ROOM: RoomView = {
  joined: false,
  me: { subject: "", role: "", name: "" },
  room: undefined,
  sales: new Map(),
  stocks: new Map(),
  charity: new Map(),
  talk: [],
  tombstones: [],
  orders: new Map(),
  viewers: 0,
  hearts: 0n,
  position: undefined,
  snapshotAtMs: 0n,
  clock: UNSET,
};

/** Takes one publication in. `nowMs` is this device's clock. */
export function hear(view: RoomView, publication: Publication, nowMs: number): RoomView {
  const { body, offset, lane } = publication;
  const numbered = lane === Lane.CRITICAL && offset > 0n;
  if (numbered && view.position !== undefined) {
    if (offset <= view.position.offset) return view;
    view = { ...view, position: { ...view.position, offset } };
  }
  // Missed while away and played back now: the snapshot has newer stock.
  const playedBack = numbered && publication.atMs < view.snapshotAtMs;
  const atMs = Number(publication.atMs);
  switch (body.case) {
    case "joined":
      return enter(view, body.value, nowMs);
    case "room":
      return hearRoom(view, body.value);
    case "sale":
      return playedBack ? readSales(view, [body.value]) : hearSale(view, body.value);
    case "notice":
      return speak(view, { kind: "notice", key: `n/${body.value.id}`, atMs, text: body.value.text });
    case "milestone": {
      const { pledgeId, reached } = body.value;
      if (reached === undefined) return view;
      return speak(view, { kind: "milestone", key: `m/${pledgeId}/${reached.minor}`, atMs, pledgeId, reached });
    }
    case "lineDeleted":
      return forget(view, body.value.lineId);
    case "state":
      return hearState(view, body.value);
    case "chat":
      return speak(view, chatTalk(body.value));
    case "skipped":
      return hearSkipped(view, body.value.lines, atMs);
    case "order":
      return hearOrders(view, [body.value]);
    case "reply":
      return body.value.outcome.case === "order" ? hearOrders(view, [body.value.outcome.value]) : view;
    case "closing":
    case "opsReading":
    case undefined:
      // The socket acts on Closing, the ops page on its readings; an unknown body is from a newer server.
      return view;
  }
}

export function hearPong(view: RoomView, askedMs: number, serverMs: number, nowMs: number): RoomView {
  return { ...view, clock: ponged(view.clock, askedMs, serverMs, nowMs) };
}

/** Keeps the highest version of each order; an answer that was overtaken changes nothing. */
export function hearOrders(view: RoomView, orders: readonly Order[]): RoomView {
  const newer = orders.filter((order) => order.version >= (view.orders.get(order.id)?.version ?? 0n));
  if (newer.length === 0) return view;
  const all = new Map(view.orders);
  for (const order of newer) all.set(order.id, order);
  return { ...view, orders: all };
}

/** Sales read over REST, or played back: only a newer version counts, because the socket has newer stock of the one that is known. */
export function readSales(view: RoomView, sales: readonly FlashSale[]): RoomView {
  return sales
    .filter((sale) => sale.version > (view.sales.get(sale.id)?.version ?? -1n))
    .reduce(hearSale, view);
}

/**
 * A sale as the socket says it, and its stock where none is known: another node may have counted that a moment ago, and what this room's own
 * node counts follows each tenth of a second. Nothing follows a sale that has closed.
 */
export function hearSale(view: RoomView, sale: FlashSale): RoomView {
  const before = view.sales.get(sale.id);
  if (before !== undefined && sale.version < before.version) return view;
  const closed = sale.state === SaleState.CLOSED;
  // Closed is final: a word from before it must not bring a buy button back.
  if (before?.state === SaleState.CLOSED && !closed) return view;
  const sales = new Map(view.sales).set(sale.id, sale);
  const known = view.stocks.get(sale.id);
  if (known !== undefined && !closed) return { ...view, sales };
  const { left, held, sold } = sale;
  const stock = { ...(known ?? emptyStock(sale.id)), left, held, sold };
  return { ...view, sales, stocks: new Map(view.stocks).set(sale.id, stock) };
}

/** Keeps the highest version of the room. */
export function hearRoom(view: RoomView, room: Room): RoomView {
  if (view.room !== undefined && room.version < view.room.version) return view;
  // A line that is deleted here stays so, even when the room was read before that.
  const pinnedLine = view.tombstones.includes(`c/${room.pinnedLine?.id}`) ? undefined : room.pinnedLine;
  return { ...view, room: pinnedLine === room.pinnedLine ? room : ({ ...room, pinnedLine } as Room) };
}

/** True when `next` is a later reading than `known`: an older one must never be shown after it. */
function laterTotal(known: CharityTotal | undefined, next: CharityTotal): boolean {
  if (known === undefined) return true;
  if (next.epoch !== known.epoch) return next.epoch > known.epoch;
  return next.sequence > known.sequence;
}

/** The reading to show. A period ends, or a cap is raised, without a transfer: an equal sequence says anew whether the pledge is over, and nothing else. */
export function newestTotal(known: CharityTotal | undefined, next: CharityTotal): CharityTotal {
  if (known === undefined || laterTotal(known, next)) return next;
  const equal = next.epoch === known.epoch && next.sequence === known.sequence;
  return equal && next.ended !== known.ended ? { ...known, ended: next.ended } : known;
}

export function hearTotals(view: RoomView, totals: readonly CharityTotal[]): RoomView {
  const charity = new Map(view.charity);
  for (const total of totals) {
    charity.set(total.pledgeId, newestTotal(charity.get(total.pledgeId), total));
  }
  return { ...view, charity };
}

function enter(view: RoomView, joined: Joined, nowMs: number): RoomView {
  const sameHistory =
    joined.recovered && view.position !== undefined && view.position.epoch === joined.position?.epoch;
  const lines = joined.lines.map(chatTalk);
  const kept = view.talk.filter((talk) => sameHistory || talk.kind === "notice" || talk.kind === "milestone");
  let next: RoomView = {
    ...view,
    joined: true,
    me: { subject: joined.subject, role: joined.role, name: joined.name },
    // Another history may be another record, where versions begin again.
    room: sameHistory ? view.room : undefined,
    sales: sameHistory ? view.sales : new Map(),
    stocks: new Map(),
    talk: gather(kept, lines, view.tombstones),
    position: joined.position,
    snapshotAtMs: joined.serverTimeMs,
    clock: glanced(view.clock, Number(joined.serverTimeMs), nowMs),
  };
  if (joined.room !== undefined) next = hearRoom(next, joined.room);
  for (const sale of joined.sales) next = hearSale(next, sale);
  if (joined.state !== undefined) next = hearState(next, joined.state);
  return hearOrders(next, joined.orders);
}

function hearState(view: RoomView, state: LiveState): RoomView {
  const stocks = new Map(view.stocks);
  for (const stock of state.stocks) stocks.set(stock.saleId, stock);
  // Hearts only grow; a node that has just started may count from its own zero.
  const hearts = state.hearts > view.hearts ? state.hearts : view.hearts;
  return hearTotals({ ...view, viewers: state.viewers, hearts, stocks }, state.charity);
}

function hearSkipped(view: RoomView, lines: number, atMs: number): RoomView {
  const last = view.talk.at(-1);
  if (last?.kind === "skipped") {
    return { ...view, talk: [...view.talk.slice(0, -1), { ...last, lines: last.lines + lines }] };
  }
  const time = atMs > 0 ? atMs : (last?.atMs ?? 0);
  return speak(view, { kind: "skipped", key: `s/${time}/${view.talk.length}/${last?.key ?? ""}`, atMs: time, lines });
}

function speak(view: RoomView, talk: Talk): RoomView {
  if (view.tombstones.includes(talk.key) || view.talk.some((known) => known.key === talk.key)) return view;
  return { ...view, talk: [...view.talk, talk].slice(-LINES_MAX) };
}

function forget(view: RoomView, lineId: string): RoomView {
  const key = `c/${lineId}`;
  const room =
    view.room?.pinnedLine?.id === lineId ? ({ ...view.room, pinnedLine: undefined } as Room) : view.room;
  return {
    ...view,
    room,
    talk: view.talk.filter((talk) => talk.key !== key),
    tombstones: [...view.tombstones.filter((known) => known !== key), key].slice(-TOMBSTONES_MAX),
  };
}

function gather(kept: readonly Talk[], lines: readonly Talk[], tombstones: readonly string[]): readonly Talk[] {
  const all = new Map<string, Talk>();
  for (const talk of [...kept, ...lines]) if (!tombstones.includes(talk.key)) all.set(talk.key, talk);
  return [...all.values()].sort((a, b) => a.atMs - b.atMs).slice(-LINES_MAX);
}

function chatTalk(line: ChatLine): Talk {
  return { kind: "chat", key: `c/${line.id}`, atMs: Number(line.atMs), line };
}

function emptyStock(saleId: string): SaleStock {
  return { $typeName: "apricot.v1.SaleStock", saleId, left: 0, held: 0, sold: 0, waiting: 0 };
}

// What the page asks of a view.

export type SaleFace = "scheduled" | "open" | "paused" | "soldOut" | "closed";

export function saleFace(sale: FlashSale, stock: SaleStock | undefined, serverMs: number): SaleFace {
  if (sale.state === SaleState.CLOSED) return "closed";
  if (sale.state === SaleState.SCHEDULED || sale.state === SaleState.UNSPECIFIED) return "scheduled";
  // The clock closes a sale even when the word that says so is still on its way.
  if (sale.closesAtMs > 0n && Number(sale.closesAtMs) <= serverMs) return "closed";
  if (sale.state === SaleState.PAUSED) return "paused";
  return (stock?.left ?? sale.left) > 0 ? "open" : "soldOut";
}

/** Open ones first, then those to come; a finished one only when nothing else is on the table. */
export function salesToShow(view: RoomView, serverMs: number): readonly FlashSale[] {
  const rank: Record<SaleFace, number> = { open: 0, paused: 1, soldOut: 2, scheduled: 3, closed: 4 };
  const all = [...view.sales.values()]
    .map((sale) => ({ sale, face: saleFace(sale, view.stocks.get(sale.id), serverMs) }))
    .sort((a, b) => rank[a.face] - rank[b.face] || Number(b.sale.closesAtMs - a.sale.closesAtMs));
  const going = all.filter(({ face }) => face !== "closed");
  return (going.length > 0 ? going : all.slice(0, 1)).map(({ sale }) => sale);
}

export function isOpenOrder(order: Order): boolean {
  return order.state === OrderState.HELD || order.state === OrderState.WAITING;
}

/** The money is on its way; asking for it again would ask twice. */
export function isPaying(order: Order): boolean {
  return order.paymentState === PaymentState.AUTHORISING || order.paymentState === PaymentState.AUTHORISED;
}

/** The order of mine that still waits for something, newest first. */
export function openOrderOf(view: RoomView, saleId: string): Order | undefined {
  return ordersOf(view).find((order) => order.saleId === saleId && isOpenOrder(order));
}

export function ordersOf(view: RoomView): readonly Order[] {
  return [...view.orders.values()].sort((a, b) => Number(b.placedAtMs - a.placedAtMs) || (a.id < b.id ? 1 : -1));
}

export function isGuest(me: Me): boolean {
  return me.role === "" || me.role === "guest";
}
