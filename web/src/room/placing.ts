// The wish to buy that has no answer yet. It outlives a lost socket and a reload, so that asking again asks for the same order.

import { PlaceOrderSchema, type PlaceOrder } from "../gen/apricot/v1/sale_pb";
import { tab } from "../wire/memory";
import { create } from "../wire/messages";

const KEY = "apricot.placing";

interface Stored {
  readonly room: string;
  readonly subject: string;
  readonly orderId: string;
  readonly saleId: string;
  readonly quantity: number;
  readonly wait: boolean;
}

export function rememberPlacing(room: string, subject: string, wish: PlaceOrder): void {
  const { orderId, saleId, quantity, wait } = wish;
  const stored: Stored = { room, subject, orderId, saleId, quantity, wait };
  tab.keep(KEY, JSON.stringify(stored));
}

export function forgetPlacing(orderId: string): void {
  if (read()?.orderId === orderId) tab.forget(KEY);
}

/** The unanswered wish of this person in this room. */
export function unanswered(room: string, subject: string): PlaceOrder | undefined {
  const stored = read();
  if (stored === undefined || stored.room !== room || stored.subject !== subject) return undefined;
  const { orderId, saleId, quantity, wait } = stored;
  return create(PlaceOrderSchema, { orderId, saleId, quantity, wait });
}

function read(): Stored | undefined {
  try {
    const value: unknown = JSON.parse(tab.recall(KEY) ?? "null");
    return isStored(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<string, unknown>;
  return (
    ["room", "subject", "orderId", "saleId"].every((key) => typeof record[key] === "string") &&
    typeof record.quantity === "number" &&
    typeof record.wait === "boolean"
  );
}
