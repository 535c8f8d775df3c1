// What a host may change, each one request. The socket brings the result to everybody; the answer brings it here at once.

import { create, type MessageInitShape } from "@bufbuild/protobuf";

import {
  ChangeRoomStateSchema,
  CreateNoticeSchema,
  CreateSaleSchema,
  OrderListSchema,
  PinCardsSchema,
  ProductListSchema,
  SaleListSchema,
} from "../gen/apricot/v1/api_pb";
import { HostNoticeSchema, type HostNotice } from "../gen/apricot/v1/live_pb";
import { ModerationSchema, RoomSchema, type Moderation, type Product, type Room, type RoomState } from "../gen/apricot/v1/room_pb";
import { FlashSaleSchema, OrderState, type FlashSale } from "../gen/apricot/v1/sale_pb";
import { file, read, write } from "../wire/rest";

const PAGES_MAX = 5;

export function changeState(room: string, state: RoomState): Promise<Room> {
  const message = create(ChangeRoomStateSchema, { state });
  return write("post", "/v1/rooms/{room}/state", { room }, { schema: ChangeRoomStateSchema, message }, RoomSchema);
}

export function pinCards(room: string, skus: readonly string[]): Promise<Room> {
  const message = create(PinCardsSchema, { skus: [...skus] });
  return write("put", "/v1/rooms/{room}/cards", { room }, { schema: PinCardsSchema, message }, RoomSchema);
}

export function notice(room: string, text: string): Promise<HostNotice> {
  const message = create(CreateNoticeSchema, { text });
  return write("post", "/v1/rooms/{room}/notices", { room }, { schema: CreateNoticeSchema, message }, HostNoticeSchema);
}

export function moderate(room: string, action: Exclude<Moderation["action"], { case: undefined }>): Promise<Room> {
  const message = create(ModerationSchema, { action });
  return write("post", "/v1/rooms/{room}/moderation", { room }, { schema: ModerationSchema, message }, RoomSchema);
}

export function createSale(room: string, sale: MessageInitShape<typeof CreateSaleSchema>): Promise<FlashSale> {
  const message = create(CreateSaleSchema, sale);
  return write("post", "/v1/rooms/{room}/sales", { room }, { schema: CreateSaleSchema, message }, FlashSaleSchema);
}

export function openSale(sale: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/open", { sale }, undefined, FlashSaleSchema);
}

export function closeSale(sale: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/close", { sale }, undefined, FlashSaleSchema);
}

export async function readSales(room: string): Promise<readonly FlashSale[]> {
  return (await read("/v1/rooms/{room}/sales", { room }, SaleListSchema)).sales;
}

export async function readProducts(): Promise<readonly Product[]> {
  const products: Product[] = [];
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const list = await read("/v1/products", {}, ProductListSchema, { limit: 100, cursor });
    products.push(...list.products);
    cursor = list.nextCursor;
    if (cursor === "") break;
  }
  return products;
}

export interface ToPack {
  readonly count: number;
  /** There were more pages than were read. */
  readonly more: boolean;
}

export async function countToPack(room: string): Promise<ToPack> {
  let count = 0;
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const list = await read("/v1/rooms/{room}/orders", { room }, OrderListSchema, { limit: 100, cursor });
    count += list.orders.filter(({ state }) => state === OrderState.PAID).length;
    cursor = list.nextCursor;
    if (cursor === "") return { count, more: false };
  }
  return { count, more: true };
}

/** The packing list is behind the token, so a plain link can't fetch it. */
export async function savePackingList(room: string): Promise<void> {
  const address = URL.createObjectURL(await file("/v1/rooms/{room}/orders-to-pack.csv", { room }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${room}-to-pack.csv`;
  link.click();
  // After the browser has taken it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
