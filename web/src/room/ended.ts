// What is left to see of a room that has ended: nobody can join it any more, so REST says what it sold and gave.

import { SaleListSchema } from "../gen/apricot/v1/api_pb";
import { CharityTotalSchema, type CharityTotal } from "../gen/apricot/v1/charity_pb";
import type { FlashSale } from "../gen/apricot/v1/sale_pb";
import { read } from "../wire/rest";

export interface Leftovers {
  readonly sales: readonly FlashSale[];
  readonly charity: readonly CharityTotal[];
}

export async function readEnded(roomId: string): Promise<Leftovers> {
  const { sales } = await read("/v1/rooms/{room}/sales", { room: roomId }, SaleListSchema);
  const pledges = new Set(sales.flatMap(({ pledge }) => (pledge === undefined ? [] : [pledge.id])));
  const charity = await Promise.all([...pledges].map((pledge) => read("/v1/pledges/{pledge}/total", { pledge }, CharityTotalSchema)));
  return { sales, charity };
}
