// Readings of all nodes over one stretch of time, in rings of numbers that are made once: an hour on the page costs what a minute does.

import type { OpsReading } from "../gen/apricot/v1/ops_pb";
import { ALL, mergeOf, numbersInto, placeOf, type Series } from "./series";

/** A node's numbers: one row for each step of time, over and over. */
class Ring {
  /** Which step stands in a row; -1: none. */
  readonly steps: Float64Array;
  /** 1: from the feed itself, which a merged reading of the history doesn't overwrite. */
  readonly sharp: Uint8Array;
  readonly rows: Float64Array;

  constructor(readonly capacity: number) {
    this.steps = new Float64Array(capacity).fill(-1);
    this.sharp = new Uint8Array(capacity);
    this.rows = new Float64Array(capacity * ALL.length);
  }

  put(step: number, row: Float64Array, sharp: boolean): void {
    const at = step % this.capacity;
    if (!sharp && this.steps[at] === step && this.sharp[at] === 1) return;
    // A late word about a time that the ring has left behind.
    if ((this.steps[at] ?? -1) > step) return;
    this.steps[at] = step;
    this.sharp[at] = sharp ? 1 : 0;
    this.rows.set(row, at * ALL.length);
  }

  /** NaN: nothing is known. A tick that came a little early or late is no gap. */
  number(step: number, place: number): number {
    const at = step % this.capacity;
    if (this.steps[at] === step) return this.rows[at * ALL.length + place] ?? Number.NaN;
    const before = (step - 1 + this.capacity) % this.capacity;
    return this.steps[before] === step - 1 ? (this.rows[before * ALL.length + place] ?? Number.NaN) : Number.NaN;
  }
}

/** More nodes than this are not told apart; their names could come from anywhere. */
const NODES_MAX = 64;

export type Points = (number | null)[];

export class Board {
  private readonly rings = new Map<string, Ring>();
  private readonly row = new Float64Array(ALL.length);
  private newest = -1;

  constructor(
    readonly stepMs: number,
    readonly capacity: number,
  ) {}

  get nodes(): readonly string[] {
    return [...this.rings.keys()].sort();
  }

  get newestMs(): number {
    return this.newest < 0 ? 0 : (this.newest + 1) * this.stepMs;
  }

  /** One reading of the feed, or of the history when it is not `sharp`; a long one stands at each step that it covers. */
  take(reading: OpsReading, sharp: boolean): void {
    const ring = this.ringOf(reading.node);
    if (ring === undefined) return;
    numbersInto(this.row, reading);
    const last = Math.floor((Number(reading.atMs) - 1) / this.stepMs);
    const covered = sharp ? 1 : Math.max(1, Math.min(this.capacity, Math.round(reading.overMs / this.stepMs)));
    for (let step = last - covered + 1; step <= last; step += 1) if (step >= 0) ring.put(step, this.row, sharp);
    if (last > this.newest) this.newest = last;
  }

  /**
   * Fills `into`, a frame of times (seconds) and one list for each series, with the stretch that ends at `endMs`. `node` empty: all of them.
   * The lists keep their length, so that nothing is left behind each second.
   */
  fill(into: Points[], series: readonly Series[], node: string, endMs: number): void {
    const last = Math.floor((endMs - 1) / this.stepMs);
    const rings = node === "" ? [...this.rings.values()] : [this.rings.get(node)].filter((ring) => ring !== undefined);
    const times = into[0] ?? [];
    for (let n = 0; n < this.capacity; n += 1) times[n] = ((last - this.capacity + 2 + n) * this.stepMs) / 1000;
    for (const [at, one] of series.entries()) {
      const list = into[at + 1] ?? [];
      const place = placeOf(one);
      const merge = mergeOf(one);
      for (let n = 0; n < this.capacity; n += 1) {
        const step = last - this.capacity + 1 + n;
        list[n] = step < 0 ? null : merged(rings, step, place, merge);
      }
    }
  }

  /** The newest number, or undefined when the last few steps have none. */
  last(series: Series, node: string, endMs: number, within = 3): number | undefined {
    const rings = node === "" ? [...this.rings.values()] : [this.rings.get(node)].filter((ring) => ring !== undefined);
    const last = Math.floor((endMs - 1) / this.stepMs);
    for (let step = last; step > last - within && step >= 0; step -= 1) {
      const number = merged(rings, step, placeOf(series), mergeOf(series));
      if (number !== null) return number;
    }
    return undefined;
  }

  private ringOf(node: string): Ring | undefined {
    const known = this.rings.get(node);
    if (known !== undefined || this.rings.size >= NODES_MAX) return known;
    const made = new Ring(this.capacity);
    this.rings.set(node, made);
    return made;
  }
}

export function emptyFrame(series: number, capacity: number): Points[] {
  return Array.from({ length: series + 1 }, () => new Array<number | null>(capacity).fill(null));
}

function merged(rings: readonly Ring[], step: number, place: number, merge: "sum" | "most" | "least"): number | null {
  let out: number | null = null;
  for (const ring of rings) {
    const number = ring.number(step, place);
    if (Number.isNaN(number)) continue;
    if (out === null) out = number;
    else out = merge === "sum" ? out + number : merge === "most" ? Math.max(out, number) : Math.min(out, number);
  }
  return out;
}
