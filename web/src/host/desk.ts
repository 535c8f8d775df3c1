// The room as those who run it see it: what the socket says, and what only REST tells them. One place holds it, the parts of the page draw it.

import { useEffect, useReducer } from "preact/hooks";

import type { Pledge } from "../gen/apricot/v1/charity_pb";
import type { RoomFigures } from "../gen/apricot/v1/ops_pb";
import { RoomState, type Product, type Room, type RunSheetItem } from "../gen/apricot/v1/room_pb";
import type { LiveRoom } from "../room/live";
import type { Claims } from "../wire/claims";
import { Refused } from "../wire/refused";
import { putRunSheet, readFigures, readRoom } from "./changes";
import { rightsIn, type Rights } from "./rights";
import { readPledges, readProducts, readSales } from "./trade";

const FIGURES_EVERY_MS = 5_000;
const FIGURES_ENDED_EVERY_MS = 30_000;
/** Ten minutes of viewers, one sample with each reading of the figures. */
const SAMPLES_MAX = 120;
/** Somebody else changed the room between our reading and our writing: so often it is read and tried again. */
const TRIES_MAX = 4;
/** A reading that failed is not tried again sooner. */
const BREATH_MS = 3_000;

export interface Good {
  readonly sku: string;
  readonly title: string;
  readonly unit: string;
  readonly imageUrl: string;
  readonly price?: Product["price"];
  /** Known to the host alone. */
  readonly onHand: number | undefined;
}

export interface Sample {
  readonly atMs: number;
  readonly viewers: number;
}

export class Desk {
  products: readonly Product[] | undefined;
  pledges: readonly Pledge[] | undefined;
  figures: RoomFigures | undefined;
  figuresFailed = false;
  samples: readonly Sample[] = [];

  /** With the run sheet, the helpers' names and the blocked words, which a publication leaves out. */
  private full: Room | undefined;
  private reading = false;
  private readonly listeners = new Set<() => void>();
  private unhook: () => void = () => undefined;
  private timer = 0;
  private lookedAtMs = 0;
  private lots = "";
  private askedFor: Rights["as"] | undefined;

  constructor(
    readonly live: LiveRoom,
    readonly me: Claims,
  ) {}

  start(): void {
    this.unhook = this.live.subscribe(() => this.heard());
    this.timer = window.setInterval(this.lookAgain, FIGURES_EVERY_MS);
    document.addEventListener("visibilitychange", this.look);
    this.live.start();
    void this.readRoom();
  }

  stop(): void {
    this.unhook();
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.look);
    this.live.stop();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get room(): Room | undefined {
    return this.live.view.room;
  }

  get rights(): Rights | undefined {
    return this.room === undefined ? undefined : rightsIn(this.room, this.me);
  }

  get runSheet(): readonly RunSheetItem[] | undefined {
    return this.full?.runSheet;
  }

  get blockedWords(): readonly string[] {
    return this.full?.chatRules?.blockedWords ?? [];
  }

  /** Helpers in the order of their appointment. */
  get helpers(): readonly { readonly subject: string; readonly name: string }[] {
    const names = this.full?.moderatorNames ?? {};
    return (this.room?.moderators ?? []).map((subject) => ({ subject, name: names[subject] ?? subject }));
  }

  /** What is known of a product: helpers may not read the host's products, but see cards and sales. */
  good(sku: string): Good {
    const product = this.products?.find((known) => known.sku === sku);
    if (product !== undefined) return product;
    const card = this.room?.cards.find((known) => known.sku === sku);
    if (card !== undefined) return { ...card, onHand: undefined };
    const sale = [...this.live.view.sales.values()].find((known) => known.sku === sku);
    if (sale !== undefined) return { ...sale, price: sale.listPrice, onHand: undefined };
    const sold = this.figures?.products.find((known) => known.sku === sku);
    return { sku, title: sold?.title ?? sku, unit: "", imageUrl: "", price: undefined, onHand: undefined };
  }

  /** An answer to a change. It may leave the run sheet out as a publication does: a newer version is read again. */
  takeRoom(room: Room): void {
    this.live.takeRoom(room);
  }

  private takeFull(room: Room): void {
    if (this.full === undefined || room.version >= this.full.version) this.full = room;
    this.live.takeRoom(room);
  }

  takeProduct(product: Product): void {
    const others = (this.products ?? []).filter((known) => known.sku !== product.sku);
    this.takeProducts([...others, product].sort((a, b) => (a.sku < b.sku ? -1 : 1)));
  }

  takePledge(pledge: Pledge): void {
    this.pledges = [pledge, ...(this.pledges ?? []).filter(({ id }) => id !== pledge.id)];
    this.changed();
  }

  takeProducts(products: readonly Product[]): void {
    this.products = products;
    this.changed();
  }

  /** Changes the run sheet as it stands; when somebody was faster, as it stands then. */
  async arrange(change: (items: readonly RunSheetItem[]) => readonly RunSheetItem[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const room = this.full ?? (await readRoom(this.live.roomId));
      try {
        this.takeFull(await putRunSheet(room.id, change(room.runSheet), room.version));
        return;
      } catch (error) {
        if (!(error instanceof Refused) || error.problem.type !== "changed-meanwhile" || attempt >= TRIES_MAX) throw error;
        this.takeFull(await readRoom(this.live.roomId));
      }
    }
  }

  async refreshProducts(): Promise<readonly Product[]> {
    const products = await readProducts();
    this.takeProducts(products);
    return products;
  }

  /** Reads the figures, unless nobody looks at them. */
  readonly look = (): void => {
    if (document.hidden || this.rights?.seesFigures !== true) return;
    this.lookedAtMs = Date.now();
    void this.readFigures();
  };

  private readonly lookAgain = (): void => {
    // In a room that has ended only parcels move.
    if (this.room?.state !== RoomState.ENDED || Date.now() - this.lookedAtMs >= FIGURES_ENDED_EVERY_MS) this.look();
  };

  private async readFigures(): Promise<void> {
    try {
      this.figures = await readFigures(this.live.roomId);
      this.figuresFailed = false;
      const viewers = this.live.link.kind === "live" ? this.live.view.viewers : this.figures.viewers;
      this.samples = [...this.samples, { atMs: Date.now() + this.live.view.clock.skewMs, viewers }].slice(-SAMPLES_MAX);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // The old ones stay, and say how old they are by not moving.
      this.figuresFailed = this.figures === undefined;
    }
    this.changed();
  }

  private heard(): void {
    const { room } = this;
    if (room !== undefined && (this.full === undefined || room.version > this.full.version)) void this.readRoom();
    this.readOwn();
    this.followStock();
    this.changed();
  }

  /** A sale that is made, changed or closed moves units from a product or back to it. */
  private followStock(): void {
    const lots = [...this.live.view.sales.values()].map(({ id, version, stock }) => `${id}/${version}/${stock}`).join(" ");
    if (lots === this.lots || this.products === undefined || this.rights?.sells !== true) return;
    this.lots = lots;
    this.refreshProducts().catch((error: unknown) => {
      // The next change asks again; a sale is checked against fresh numbers anyway.
      if (!(error instanceof Refused)) throw error;
    });
  }

  /** What this person may read besides the room: once, when it is known who they are here and that the room is joined or over. */
  private readOwn(): void {
    const { rights, room } = this;
    if (rights === undefined || room === undefined || this.askedFor === rights.as) return;
    const there = this.live.link.kind === "live" || room.state === RoomState.ENDED;
    if (!there) return;
    this.askedFor = rights.as;
    const unless = (take: () => void) => (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      take();
      this.changed();
    };
    // Sales that are only written, not yet open, may not be in what the socket says.
    void readSales(room.id).then((sales) => this.live.takeSales(sales), unless(() => undefined));
    if (rights.sells) {
      void this.refreshProducts().catch(unless(() => (this.products ??= [])));
      void readPledges().then((pledges) => {
        this.pledges = pledges;
        this.changed();
      }, unless(() => (this.pledges ??= [])));
    }
    this.look();
  }

  private async readRoom(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      this.takeFull(await readRoom(this.live.roomId));
      this.reading = false;
    } catch (error) {
      // The socket says what is wrong with the room or the line.
      if (!(error instanceof Refused)) throw error;
      setTimeout(() => (this.reading = false), BREATH_MS);
    }
    this.heard();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Draws again whenever something on the desk changes. */
export function useDesk(desk: Desk): Desk {
  const [, draw] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => desk.subscribe(() => draw()), [desk]);
  return desk;
}
