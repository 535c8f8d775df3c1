// What is sold: sales, products, pledges, orders; and the files that are made of them.

import type { MessageInitShape } from "@bufbuild/protobuf";

import {
  ChangeStockSchema,
  CreateProductSchema,
  CreateSaleSchema,
  OrderListSchema,
  PauseSaleSchema,
  PledgeListSchema,
  ProductListSchema,
  RefundOrderSchema,
  SaleListSchema,
  ShipOrderSchema,
  type OrderList,
} from "../gen/apricot/v1/api_pb";
import { PledgeSchema, type Pledge } from "../gen/apricot/v1/charity_pb";
import { ProductSchema, type Product } from "../gen/apricot/v1/room_pb";
import { FlashSaleSchema, OrderSchema, type FlashSale, type Order } from "../gen/apricot/v1/sale_pb";
import { create } from "../wire/messages";
import { file, read, write } from "../wire/rest";
import { PAGES_MAX } from "./changes";

export async function readSales(room: string): Promise<readonly FlashSale[]> {
  return (await read("/v1/rooms/{room}/sales", { room }, SaleListSchema)).sales;
}

export function createSale(room: string, sale: MessageInitShape<typeof CreateSaleSchema>): Promise<FlashSale> {
  return write("post", "/v1/rooms/{room}/sales", { room }, { schema: CreateSaleSchema, message: create(CreateSaleSchema, sale) }, FlashSaleSchema);
}

export function openSale(sale: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/open", { sale }, undefined, FlashSaleSchema);
}

export function closeSale(sale: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/close", { sale }, undefined, FlashSaleSchema);
}

export function pauseSale(sale: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/pause", { sale }, { schema: PauseSaleSchema, message: create(PauseSaleSchema) }, FlashSaleSchema);
}

export function resumeSale(sale: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/resume", { sale }, undefined, FlashSaleSchema);
}

export function changeSaleStock(sale: string, change: number): Promise<FlashSale> {
  const message = create(ChangeStockSchema, { change });
  return write("post", "/v1/sales/{sale}/stock", { sale }, { schema: ChangeStockSchema, message }, FlashSaleSchema);
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

export function createProduct(product: MessageInitShape<typeof CreateProductSchema>): Promise<Product> {
  return write("post", "/v1/products", {}, { schema: CreateProductSchema, message: create(CreateProductSchema, product) }, ProductSchema);
}

export function changeStock(sku: string, change: number): Promise<Product> {
  const message = create(ChangeStockSchema, { change });
  return write("post", "/v1/products/{sku}/stock", { sku }, { schema: ChangeStockSchema, message }, ProductSchema);
}

export async function readPledges(): Promise<readonly Pledge[]> {
  return (await read("/v1/pledges", {}, PledgeListSchema, { limit: 100 })).pledges;
}

export function readPledge(id: string): Promise<Pledge> {
  return read("/v1/pledges/{pledge}", { pledge: id }, PledgeSchema);
}

export function readOrders(room: string, cursor: string): Promise<OrderList> {
  return read("/v1/rooms/{room}/orders", { room }, OrderListSchema, { limit: 50, cursor });
}

/** With the address, which the list leaves out. */
export function readOrder(id: string): Promise<Order> {
  return read("/v1/orders/{order}", { order: id }, OrderSchema);
}

export function ship(order: string, step: MessageInitShape<typeof ShipOrderSchema>): Promise<Order> {
  return write("post", "/v1/orders/{order}/shipping", { order }, { schema: ShipOrderSchema, message: create(ShipOrderSchema, step) }, OrderSchema);
}

export function refund(order: string, wish: MessageInitShape<typeof RefundOrderSchema>): Promise<Order> {
  return write("post", "/v1/orders/{order}/refunds", { order }, { schema: RefundOrderSchema, message: create(RefundOrderSchema, wish) }, OrderSchema);
}

const FILES = {
  "orders-to-pack": "/v1/rooms/{room}/orders-to-pack.csv",
  orders: "/v1/rooms/{room}/orders.csv",
  settlement: "/v1/rooms/{room}/settlement.csv",
  charity: "/v1/rooms/{room}/charity.csv",
} as const;

/** The files are behind the token, so a plain link can't fetch them. */
export async function saveFile(room: string, name: keyof typeof FILES): Promise<void> {
  const address = URL.createObjectURL(await file(FILES[name], { room }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${room}-${name}.csv`;
  link.click();
  // After the browser has taken it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
