// Where a parcel goes: kept on this device for the next time, checked before it is sent.

import { ShipToSchema, type ShipTo } from "../gen/apricot/v1/sale_pb";
import { device } from "../wire/memory";
import { create } from "../wire/messages";

export interface Address {
  readonly name: string;
  readonly phone: string;
  readonly address: string;
}

export type AddressField = keyof Address;

const KEY = "apricot.ship-to";

export function rememberedAddress(): Address {
  try {
    const value = JSON.parse(device.recall(KEY) ?? "{}") as Partial<Record<AddressField, unknown>>;
    const text = (field: AddressField): string => {
      const known = value[field];
      return typeof known === "string" ? known : "";
    };
    return { name: text("name"), phone: text("phone"), address: text("address") };
  } catch {
    return { name: "", phone: "", address: "" };
  }
}

export function rememberAddress(address: Address): void {
  device.keep(KEY, JSON.stringify(address));
}

/** The fields that the server would refuse. */
export function wrongFields(address: Address): readonly AddressField[] {
  const ship = shipTo(address);
  const wrong: AddressField[] = [];
  if (!within(ship.name, 60)) wrong.push("name");
  if (!/^\+?\d{5,20}$/.test(ship.phone)) wrong.push("phone");
  if (!within(ship.address, 200)) wrong.push("address");
  return wrong;
}

export function shipTo(address: Address): ShipTo {
  return create(ShipToSchema, {
    name: address.name.trim(),
    phone: address.phone.normalize("NFKC").replace(/[\s()-]/g, ""),
    address: address.address.trim(),
  });
}

function within(text: string, most: number): boolean {
  const length = [...text].length;
  return length >= 1 && length <= most;
}
