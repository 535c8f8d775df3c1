// Whether all that was ever seen of a log is one history: the trees of a receipt, the one that this device remembers, and the site's newest.

import { same } from "./bytes";
import { Wrong, failed, ok, open, type Check } from "./findings";
import { findingOf } from "./check";
import type { Seen } from "./seen";
import { Tiles, type Fetch } from "./site";
import { consistencyProof, consistent, type Tree } from "./tree";

interface Sighting extends Tree {
  /** Of what this device remembers. */
  readonly seenAtMs: number | undefined;
  readonly isNow: boolean;
}

export interface Compared {
  readonly check: Check;
  /** To remember: the largest tree that all the others lead to. */
  readonly newest: Tree | undefined;
}

/** `now`: the site's newest, when it could be read. `fetchOf`: of the site's tiles; without it only trees of one size can be compared. */
export async function compare(seen: Seen | undefined, trees: readonly Tree[], now: Tree | undefined, fetchOf: Fetch | undefined): Promise<Compared> {
  const sightings: Sighting[] = trees.map((tree) => ({ ...tree, seenAtMs: undefined, isNow: false }));
  if (seen !== undefined) sightings.push({ ...seen, seenAtMs: seen.atMs, isNow: false });
  if (now !== undefined) sightings.push({ ...now, seenAtMs: undefined, isNow: true });
  sightings.sort((one, other) => one.size - other.size);
  const newest = sightings.at(-1);
  if (newest === undefined) return { check: open("history", { code: "notRemembered" }), newest: undefined };
  const sinceMs = seen?.atMs ?? 0;
  for (const [at, one] of sightings.entries()) {
    const next = sightings[at + 1];
    if (next?.size === one.size && !same(next.root, one.root)) return { check: failed("history", { code: "forked", size: one.size }), newest: undefined };
  }
  // A log only grows: a site that shows less than what it has signed hides the rest.
  if (now !== undefined && now.size < newest.size) return { check: failed("history", { code: "wentBack", seen: newest.size, now: now.size, sinceMs: newest.seenAtMs ?? 0 }), newest: undefined };
  const smaller = sightings.filter(({ size }) => size < newest.size);
  const before = seen ?? smaller[0];
  if (smaller.length > 0 && (fetchOf === undefined || now === undefined)) {
    return { check: open("history", { code: "notCompared", seen: before?.size ?? 0, now: newest.size }), newest: undefined };
  }
  try {
    const tiles = new Tiles(newest.size, fetchOf ?? (async () => undefined));
    for (const one of smaller) {
      const proof = await consistencyProof(one.size, newest.size, tiles.hashAt);
      if ((await consistent(one, newest, proof)) !== "holds") return { check: failed("history", { code: "rewritten", seen: one.size, now: newest.size, sinceMs: one.seenAtMs ?? 0 }), newest: undefined };
    }
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { check: open("history", findingOf(error)), newest: undefined };
  }
  if (seen === undefined) return { check: ok("history", { code: "firstSeen", size: newest.size }), newest };
  if (seen.size === newest.size) return { check: ok("history", { code: "sameTree", size: newest.size }), newest };
  return { check: ok("history", { code: "continues", seen: seen.size, now: newest.size, sinceMs }), newest };
}
