// What the page asks of the record, each one request, and what ops may change.

import type { MessageInitShape } from "@bufbuild/protobuf";

import {
  ChangeRoomStateSchema,
  CloseSaleSchema,
  OrderListSchema,
  PauseSaleSchema,
  RefundOrderSchema,
  ResumeSaleSchema,
  SandboxKnobsSchema,
  type OrderList,
  type SandboxKnobs,
} from "../gen/apricot/v1/api_pb";
import {
  AuditListSchema,
  DrainNodeSchema,
  HoldListSchema,
  OverviewSchema,
  PaymentListSchema,
  RoomFiguresSchema,
  type AuditList,
  type HoldList,
  type Overview,
  type PaymentList,
  type RoomFigures,
} from "../gen/apricot/v1/ops_pb";
import { ModerationSchema, RoomSchema, type Moderation, type Room, type RoomState } from "../gen/apricot/v1/room_pb";
import { FlashSaleSchema, OrderSchema, type FlashSale, type Order } from "../gen/apricot/v1/sale_pb";
import { create } from "../wire/messages";
import { read, tell, write } from "../wire/rest";

export const readOverview = (): Promise<Overview> => read("/v1/ops/overview", {}, OverviewSchema);
export const readHolds = (): Promise<HoldList> => read("/v1/ops/holds", {}, HoldListSchema);
export const readPayments = (cursor: string): Promise<PaymentList> => read("/v1/ops/payments", {}, PaymentListSchema, { cursor });
export const readAudit = (cursor: string): Promise<AuditList> => read("/v1/ops/audit", {}, AuditListSchema, { cursor });
export const readFigures = (room: string): Promise<RoomFigures> => read("/v1/rooms/{room}/figures", { room }, RoomFiguresSchema);
export const readOrders = (room: string, cursor: string): Promise<OrderList> => read("/v1/rooms/{room}/orders", { room }, OrderListSchema, { limit: 50, cursor });
export const readOrder = (order: string): Promise<Order> => read("/v1/orders/{order}", { order }, OrderSchema);
export const readKnobs = (): Promise<SandboxKnobs> => read("/sandbox/v1/knobs", {}, SandboxKnobsSchema);

export function pauseSale(sale: string, reason: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/pause", { sale }, { schema: PauseSaleSchema, message: create(PauseSaleSchema, { reason }) }, FlashSaleSchema);
}

export function resumeSale(sale: string, reason: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/resume", { sale }, { schema: ResumeSaleSchema, message: create(ResumeSaleSchema, { reason }) }, FlashSaleSchema);
}

export function closeSale(sale: string, reason: string): Promise<FlashSale> {
  return write("post", "/v1/sales/{sale}/close", { sale }, { schema: CloseSaleSchema, message: create(CloseSaleSchema, { reason }) }, FlashSaleSchema);
}

export function changeState(room: string, state: RoomState, reason: string): Promise<Room> {
  const message = create(ChangeRoomStateSchema, { state, reason });
  return write("post", "/v1/rooms/{room}/state", { room }, { schema: ChangeRoomStateSchema, message }, RoomSchema);
}

export function moderate(room: string, action: Exclude<Moderation["action"], { case: undefined }>, reason: string): Promise<Room> {
  const message = create(ModerationSchema, { action, reason });
  return write("post", "/v1/rooms/{room}/moderation", { room }, { schema: ModerationSchema, message }, RoomSchema);
}

export function refund(order: string, wish: MessageInitShape<typeof RefundOrderSchema>): Promise<Order> {
  return write("post", "/v1/orders/{order}/refunds", { order }, { schema: RefundOrderSchema, message: create(RefundOrderSchema, wish) }, OrderSchema);
}

export function drain(node: string, reason: string): Promise<void> {
  return tell("post", "/v1/ops/nodes/{node}/drain", { node }, { schema: DrainNodeSchema, message: create(DrainNodeSchema, { reason }) });
}

export function putKnobs(knobs: MessageInitShape<typeof SandboxKnobsSchema>): Promise<SandboxKnobs> {
  return write("put", "/sandbox/v1/knobs", {}, { schema: SandboxKnobsSchema, message: create(SandboxKnobsSchema, knobs) }, SandboxKnobsSchema);
}
