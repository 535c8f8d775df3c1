import { expect, test } from "vitest";

import { OrderListSchema, PinCardsSchema, type PinCards } from "../gen/apricot/v1/api_pb";
import { RoomSchema } from "../gen/apricot/v1/room_pb";
import { OrderSchema } from "../gen/apricot/v1/sale_pb";
import { read, write } from "./rest";
import { addressOf } from "./routes";

test("a path is filled with escaped parameters", () => {
  expect(addressOf("/v1/orders/{order}", { order: "a/../b?c" })).toBe("/v1/orders/a%2F..%2Fb%3Fc");
  expect(addressOf("/v1/rooms/{room}/moderators/{subject}", { room: "hill", subject: "小林" })).toBe("/v1/rooms/hill/moderators/%E5%B0%8F%E6%9E%97");
});

test("a query has only what was said", () => {
  expect(addressOf("/v1/orders", {}, { cursor: "", limit: undefined })).toBe("/v1/orders");
  expect(addressOf("/v1/rooms", {}, { limit: 100, cursor: "a b" })).toBe("/v1/rooms?limit=100&cursor=a+b");
});

/** Never called: the compiler is the test. */
export const typed = (pins: PinCards): readonly Promise<unknown>[] => [
  read("/v1/orders/{order}", { order: "o" }, OrderSchema),
  read("/v1/orders", {}, OrderListSchema, { cursor: "" }),
  write("put", "/v1/rooms/{room}/cards", { room: "r" }, { schema: PinCardsSchema, message: pins }, RoomSchema),
  // @ts-expect-error no such path
  read("/v1/ordres", {}, OrderSchema),
  // @ts-expect-error a parameter is missing
  read("/v1/orders/{order}", {}, OrderSchema),
  // @ts-expect-error it answers another message
  read("/v1/orders/{order}", { order: "o" }, RoomSchema),
  // @ts-expect-error it knows no such query
  read("/v1/orders", {}, OrderListSchema, { page: 2 }),
  // @ts-expect-error it takes another message
  write("post", "/v1/rooms/{room}/notices", { room: "r" }, { schema: PinCardsSchema, message: pins }, RoomSchema),
  // @ts-expect-error another method
  write("post", "/v1/rooms/{room}/cards", { room: "r" }, { schema: PinCardsSchema, message: pins }, RoomSchema),
];
