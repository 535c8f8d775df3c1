// A receipt as it comes in a file: `apricot.v1.Receipt` in canonical JSON. What is 0, "" or empty is left out; 64-bit integers are texts.

import { fromUtf8, type Bytes } from "./bytes";
import { Wrong } from "./findings";

/** A thousand lines of one order, with their proofs. */
export const RECEIPT_BYTES_MAX = 4 * 1024 * 1024;
export const ENTRIES_MAX = 1_000;
const KEYS_MAX = 256;

export interface Entry {
  readonly index: number;
  readonly leaf: string;
  readonly proof: string;
}

export interface Sum {
  readonly minor: bigint;
  readonly currency: string;
}

export interface Receipt {
  readonly orderId: string;
  /** "" in every receipt but the buyer's. */
  readonly salt: string;
  readonly commitment: string;
  readonly title: string;
  readonly quantity: number;
  readonly paid: Sum;
  readonly refunded: Sum;
  readonly charity: Sum;
  readonly matched: Sum;
  readonly paidAtMs: number;
  readonly keys: readonly string[];
  readonly origin: string;
  readonly entries: readonly Entry[];
  /** Lines of the order that are in no checkpoint yet. */
  readonly waiting: number;
}

const RECEIPT_KEYS = ["format", "orderId", "salt", "commitment", "title", "quantity", "paid", "refunded", "charity", "matched", "paidAtMs", "keys", "origin", "entries", "waiting"];

export function parseReceipt(bytes: Bytes): Receipt {
  if (bytes.length > RECEIPT_BYTES_MAX) throw new Wrong({ code: "tooLong", bytes: bytes.length, max: RECEIPT_BYTES_MAX });
  const text = fromUtf8(bytes);
  if (text === undefined) throw new Wrong({ code: "notUtf8" });
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw new Wrong({ code: "notJson" });
  }
  const it = new Fields(read, RECEIPT_KEYS, "");
  const format = it.count("format");
  if (format !== 1) throw new Wrong({ code: "otherFormat", format: String(format) });
  const entries = it.list("entries");
  if (entries.length > ENTRIES_MAX) throw new Wrong({ code: "tooManyEntries", entries: entries.length, max: ENTRIES_MAX });
  const keys = it.list("keys");
  if (keys.length > KEYS_MAX || !keys.every((key) => typeof key === "string")) throw new Wrong({ code: "notReceipt", detail: "keys" });
  return {
    orderId: it.text("orderId"),
    salt: it.text("salt"),
    commitment: it.text("commitment"),
    title: it.text("title"),
    quantity: it.count("quantity"),
    paid: it.money("paid"),
    refunded: it.money("refunded"),
    charity: it.money("charity"),
    matched: it.money("matched"),
    paidAtMs: Number(it.integer("paidAtMs")),
    keys,
    origin: it.text("origin"),
    entries: entries.map((entry, at) => {
      const of = new Fields(entry, ["index", "leaf", "proof"], `entries[${at}].`);
      return { index: of.index("index"), leaf: of.text("leaf"), proof: of.text("proof") };
    }),
    waiting: it.count("waiting"),
  };
}

/** An object of which every key is known. */
class Fields {
  private readonly fields: ReadonlyMap<string, unknown>;

  constructor(
    value: unknown,
    known: readonly string[],
    private readonly path: string,
  ) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Wrong({ code: "notReceipt", detail: `${path}{}` });
    this.fields = new Map(Object.entries(value));
    const strange = [...this.fields.keys()].find((key) => !known.includes(key));
    if (strange !== undefined) this.refuse(strange.replace(/\p{Cc}/gu, "").slice(0, 40));
  }

  text(key: string): string {
    const value = this.fields.get(key) ?? "";
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) this.refuse(key);
    return value;
  }

  count(key: string): number {
    const value = this.fields.get(key) ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= 2 ** 32) this.refuse(key);
    return value;
  }

  /** A text, as canonical JSON has 64-bit integers. */
  integer(key: string): bigint {
    const value = this.fields.get(key) ?? "0";
    if (typeof value !== "string" || !/^(?:0|-?[1-9][0-9]{0,18})$/.test(value) || BigInt.asIntN(64, BigInt(value)) !== BigInt(value)) this.refuse(key);
    return BigInt(value);
  }

  index(key: string): number {
    const value = Number(this.integer(key));
    if (value < 0 || !Number.isSafeInteger(value)) this.refuse(key);
    return value;
  }

  money(key: string): Sum {
    const value = this.fields.get(key);
    if (value === undefined) return { minor: 0n, currency: "" };
    const of = new Fields(value, ["minor", "currency"], `${this.path}${key}.`);
    return { minor: of.integer("minor"), currency: of.text("currency") };
  }

  list(key: string): readonly unknown[] {
    const value = this.fields.get(key) ?? [];
    if (!Array.isArray(value)) this.refuse(key);
    return value;
  }

  private refuse(key: string): never {
    throw new Wrong({ code: "notReceipt", detail: `${this.path}${key}` });
  }
}
