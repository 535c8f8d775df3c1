// The one place where a page's room lives: it joins the socket to the state and offers what a person can do.

import type { Problem } from "../gen/apricot/v1/common_pb";
import { HeartSchema, SaySchema } from "../gen/apricot/v1/live_pb";
import { RoomSchema, RoomState, type Moderation, type Room } from "../gen/apricot/v1/room_pb";
import {
  CancelOrderSchema,
  OrderSchema,
  PayOrderSchema,
  PlaceOrderSchema,
  type FlashSale,
  type Order,
  type PaymentMethod,
  type PlaceOrder,
  type ShipTo,
} from "../gen/apricot/v1/sale_pb";
import { forgetToken, token } from "../wire/address";
import { create } from "../wire/messages";
import { Refused, lost } from "../wire/refused";
import { read } from "../wire/rest";
import { RoomSocket, type Command, type Ears, type Link } from "../wire/socket";
import { newId } from "../wire/uuid";
import { forgetPlacing, rememberPlacing, unanswered } from "./placing";
import { EMPTY_ROOM, hear, hearOrders, hearPong, hearRoom, hearTotals, isOpenOrder, readSales, type RoomView } from "./state";

/** What is happening to the wish to buy that was sent last. */
export type Placing =
  | { readonly kind: "asking"; readonly wish: PlaceOrder; readonly again: boolean }
  | { readonly kind: "refused"; readonly wish: PlaceOrder; readonly problem: Problem };

export type Answer<T> = { readonly ok: T } | { readonly problem: Problem };

/** Hearts are gathered for this long: the server counts messages, not hearts. */
const HEARTS_EVERY_MS = 1_000;
const HEARTS_MAX = 50;
/** "busy" is asked again this often before a person is told. */
const BUSY_RETRIES_MAX = 4;
/** Whoever waits for a rehearsal to end looks after this, up to twice as long, so that a crowd does not come at one instant. */
const HIDDEN_LOOK_MS = 5_000;

export class LiveRoom {
  view: RoomView = EMPTY_ROOM;
  link: Link = { kind: "connecting" };
  placing: Placing | undefined;
  missing = false;

  private readonly listeners = new Set<() => void>();
  private readonly socket: RoomSocket;
  private hearts = 0;
  private heartsTimer = 0;
  private retryTimer = 0;
  private hiddenTimer = 0;
  private busyRetries = 0;
  private frame = 0;
  /** Counts the changes, so that who listens late knows what was missed. */
  private count = 0;
  private told: (() => void) | undefined;

  /** `line`: opened already. */
  constructor(
    readonly roomId: string,
    line?: WebSocket,
  ) {
    const ears: Ears = {
      token,
      position: () => this.view.position,
      onLink: (link) => {
        if (link.kind === "over" && link.over === "banned") {
          void this.askWhy();
          return;
        }
        this.link = link;
        this.changed();
        // A socket that never got in can't say what the room is, or that it is missing.
        const closed = link.kind === "waiting" || (link.kind === "over" && link.over === "ended");
        if (closed && !this.view.joined) void this.readRoom();
      },
      onPublications: (publications) => {
        const nowMs = Date.now();
        let entered = false;
        for (const publication of publications) {
          this.view = hear(this.view, publication, nowMs);
          entered ||= publication.body.case === "joined";
        }
        this.changed();
        // After the socket has marked itself live.
        if (entered) queueMicrotask(() => this.entered());
      },
      onPong: (askedMs, serverMs, nowMs) => {
        this.view = hearPong(this.view, askedMs, serverMs, nowMs);
        this.changed();
      },
    };
    this.socket = new RoomSocket(roomId, ears, line);
  }

  start(): void {
    this.socket.start();
  }

  stop(): void {
    clearTimeout(this.heartsTimer);
    clearTimeout(this.retryTimer);
    clearTimeout(this.hiddenTimer);
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.socket.stop();
  }

  get changes(): number {
    return this.count;
  }

  private get hasNews(): boolean {
    return this.view.joined || this.link.kind !== "connecting";
  }

  /** Until there is something to show of the room, or the line says why not; at most so long. */
  firstNews(atMostMs: number): Promise<void> {
    return new Promise((told) => {
      this.told = told;
      if (this.hasNews) told();
      setTimeout(told, atMostMs);
    });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Joins again, as the person whose token this page has now. */
  comeBackNow(): void {
    this.socket.restart();
  }

  watchAsGuest(): void {
    forgetToken();
    this.socket.restart();
  }

  say(text: string): Promise<Answer<true>> {
    return this.ask({ case: "say", value: create(SaySchema, { text }) }, () => true as const);
  }

  moderate(moderation: Moderation): Promise<Answer<true>> {
    return this.ask({ case: "moderate", value: moderation }, () => true as const);
  }

  heart(): void {
    this.hearts = Math.min(HEARTS_MAX, this.hearts + 1);
    if (this.heartsTimer !== 0) return;
    this.heartsTimer = window.setTimeout(() => {
      this.heartsTimer = 0;
      const heart = create(HeartSchema, { count: this.hearts });
      this.hearts = 0;
      this.socket.tell({ case: "heart", value: heart });
    }, HEARTS_EVERY_MS);
  }

  /** Sends a new wish and names its order. */
  place(saleId: string, quantity: number, wait: boolean): string {
    const wish = create(PlaceOrderSchema, { orderId: newId(), saleId, quantity, wait });
    rememberPlacing(this.roomId, this.view.me.subject, wish);
    this.busyRetries = 0;
    void this.send(wish, false);
    return wish.orderId;
  }

  /** Puts the refusal away. A wish that may still be answered stays. */
  dismissPlacing(): void {
    if (this.placing?.kind === "refused") this.setPlacing(undefined);
  }

  pay(orderId: string, method: PaymentMethod, shipTo: ShipTo): Promise<Answer<Order>> {
    return this.askOrder({ case: "payOrder", value: create(PayOrderSchema, { orderId, method, shipTo }) });
  }

  cancel(orderId: string): Promise<Answer<Order>> {
    return this.askOrder({ case: "cancelOrder", value: create(CancelOrderSchema, { orderId }) });
  }

  takeOrders(orders: readonly Order[]): void {
    this.view = hearOrders(this.view, orders);
    this.changed();
  }

  takeSales(sales: readonly FlashSale[]): void {
    this.view = readSales(this.view, sales);
    this.changed();
  }

  takeRoom(room: Room): void {
    this.view = hearRoom(this.view, room);
    this.changed();
  }

  private async readRoom(): Promise<void> {
    try {
      const room = await read("/v1/rooms/{room}", { room: this.roomId }, RoomSchema);
      if (this.view.joined) return;
      this.takeRoom(room);
      if (room.state !== RoomState.ENDED) return;
      const { readEnded } = await import("./ended");
      const { sales, charity } = await readEnded(this.roomId);
      this.view = hearTotals(readSales(this.view, sales), charity);
    } catch (error) {
      this.missing = error instanceof Refused && error.problem.type === "not-found";
    }
    this.changed();
  }

  /** Not let in. Whoever is banned may read of the room all the same; a rehearsal is not even there, until it becomes a stream. */
  private async askWhy(): Promise<void> {
    clearTimeout(this.hiddenTimer);
    const wasHidden = this.link.kind === "over" && this.link.over === "hidden";
    let hidden: boolean;
    try {
      await read("/v1/rooms/{room}", { room: this.roomId }, RoomSchema);
      hidden = false;
    } catch (error) {
      hidden = wasHidden || (error instanceof Refused && error.problem.type === "not-found");
    }
    if (wasHidden && !hidden) {
      this.socket.restart();
      return;
    }
    this.link = { kind: "over", over: hidden ? "hidden" : "banned" };
    if (hidden) this.hiddenTimer = window.setTimeout(() => void this.askWhy(), HIDDEN_LOOK_MS * (1 + Math.random()));
    this.changed();
  }

  private entered(): void {
    this.missing = false;
    const wish = unanswered(this.roomId, this.view.me.subject);
    if (wish !== undefined) void this.send(wish, true);
    // Orders that ended while we were away are not among the open ones that Joined brings.
    for (const order of this.view.orders.values()) if (isOpenOrder(order)) void this.refresh(order.id);
  }

  private async refresh(orderId: string): Promise<void> {
    try {
      this.takeOrders([await read("/v1/orders/{order}", { order: orderId }, OrderSchema)]);
    } catch {
      // The socket will say it, or the list of orders when it's opened.
    }
  }

  private async send(wish: PlaceOrder, again: boolean): Promise<void> {
    clearTimeout(this.retryTimer);
    this.setPlacing({ kind: "asking", wish, again });
    const answer = await this.askOrder({ case: "placeOrder", value: wish });
    if (this.placing?.wish.orderId !== wish.orderId) return;
    if ("ok" in answer) {
      forgetPlacing(wish.orderId);
      this.setPlacing(undefined);
      return;
    }
    const { problem } = answer;
    // Nobody knows whether it arrived: keep the id, and ask again when the room is back. A live socket that didn't answer is asked at once.
    if (problem.type === "lost") {
      if (this.link.kind === "live") this.retry(wish, 1_000);
      else this.setPlacing({ kind: "asking", wish, again: true });
      return;
    }
    if (problem.retryAfterMs > 0 && this.busyRetries < BUSY_RETRIES_MAX) {
      this.busyRetries += 1;
      this.retry(wish, problem.retryAfterMs);
      return;
    }
    forgetPlacing(wish.orderId);
    this.setPlacing({ kind: "refused", wish, problem });
  }

  private retry(wish: PlaceOrder, afterMs: number): void {
    this.setPlacing({ kind: "asking", wish, again: true });
    const jitteredMs = afterMs * (1 + Math.random() / 2);
    this.retryTimer = window.setTimeout(() => {
      if (this.link.kind === "live") void this.send(wish, true);
    }, jitteredMs);
  }

  private async askOrder(command: Command): Promise<Answer<Order>> {
    const answer = await this.ask(command, (outcome) => (outcome.case === "order" ? outcome.value : undefined));
    if ("problem" in answer) return answer;
    return answer.ok === undefined ? { problem: lost() } : { ok: answer.ok };
  }

  private async ask<T>(command: Command, pick: (outcome: Awaited<ReturnType<RoomSocket["ask"]>>) => T): Promise<Answer<T>> {
    try {
      return { ok: pick(await this.socket.ask(command)) };
    } catch (error) {
      if (error instanceof Refused) return { problem: error.problem };
      throw error;
    }
  }

  private setPlacing(placing: Placing | undefined): void {
    this.placing = placing;
    this.changed();
  }

  /**
   * Draws once for all that came since the last frame. A page behind another has no frames: it is drawn once, when it is looked at again.
   */
  private changed(): void {
    this.count += 1;
    if (this.hasNews) this.told?.();
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const listener of this.listeners) listener();
    });
  }
}
