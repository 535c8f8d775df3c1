// The largest checkpoint of each log that this device has seen, so that a log which goes back or is rewritten is noticed. The first sight is
// believed; nothing leaves the device.

import { device } from "../wire/memory";
import { base64Of, decimal, fromBase64 } from "./bytes";
import { HASH_BYTES, type Tree } from "./tree";

const KEY = "apricot.verify.seen";
/** A person follows a handful of logs. The one that was seen longest ago goes first. */
const LOGS_MAX = 32;

export interface Seen extends Tree {
  /** When it was first seen. */
  readonly atMs: number;
}

type Written = Readonly<Record<string, { readonly size: string; readonly root: string; readonly atMs: number }>>;

export function seenOf(origin: string): Seen | undefined {
  const written = all();
  const it = Object.hasOwn(written, origin) ? written[origin] : undefined;
  const size = decimal(it?.size ?? "");
  const root = fromBase64(it?.root ?? "");
  return it === undefined || size === undefined || root?.length !== HASH_BYTES ? undefined : { size, root, atMs: it.atMs };
}

/** Only of a tree that continues the one before: what contradicts it is kept out. */
export function remember(origin: string, tree: Tree, nowMs: number): void {
  const others = Object.entries(all()).filter(([name]) => name !== origin);
  const newest = others.sort(([, one], [, other]) => other.atMs - one.atMs).slice(0, LOGS_MAX - 1);
  device.keep(KEY, JSON.stringify(Object.fromEntries([...newest, [origin, { size: String(tree.size), root: base64Of(tree.root), atMs: nowMs }]])));
}

export function forget(origin: string): void {
  device.keep(KEY, JSON.stringify(Object.fromEntries(Object.entries(all()).filter(([name]) => name !== origin))));
}

function all(): Written {
  try {
    const read: unknown = JSON.parse(device.recall(KEY) ?? "{}");
    if (typeof read !== "object" || read === null || Array.isArray(read)) return {};
    return Object.fromEntries(Object.entries(read).filter(([, it]) => isWritten(it))) as Written;
  } catch {
    return {};
  }
}

function isWritten(it: unknown): boolean {
  return typeof it === "object" && it !== null && "size" in it && "root" in it && "atMs" in it && typeof it.size === "string" && typeof it.root === "string" && typeof it.atMs === "number";
}

export function seenLogs(): readonly { readonly origin: string; readonly size: number; readonly atMs: number }[] {
  return Object.entries(all()).map(([origin, { size, atMs }]) => ({ origin, size: Number(size), atMs }));
}
