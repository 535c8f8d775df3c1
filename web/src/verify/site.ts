// The log of the site that this page came from, read as a stranger would: checkpoint, tiles and entries, and nothing believed that is not proven.

import { fromUtf8, type Bytes } from "./bytes";
import { Wrong } from "./findings";
import { NOTE_CHARACTERS_MAX, parseCheckpoint, type Checkpoint } from "./note";
import { HASH_BYTES, nodeHash, type HashAt } from "./tree";

const ANSWER_WITHIN_MS = 10_000;
const WIDTH = 256;
const LEVELS = 8;
const TILE_BYTES_MAX = WIDTH * HASH_BYTES;
/** Each entry of a bundle behind its length in two bytes. */
const BUNDLE_BYTES_MAX = WIDTH * (2 + 65_535);
const KEYS_BYTES_MAX = 64 * 1024;

export type Fetch = (path: string, bytesMax: number) => Promise<Bytes | undefined>;

/** `undefined`: there is no such file. Throws `siteUnread` when nobody answers. */
export const fetchFile: Fetch = async (path, bytesMax) => {
  let response: Response;
  let bytes: Bytes;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), cache: path.endsWith("checkpoint") ? "no-store" : "default" });
    if (response.status === 404) return undefined;
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Wrong({ code: "siteUnread", detail: path });
  }
  if (!response.ok) throw new Wrong({ code: "siteUnread", detail: `${path}: ${response.status}` });
  if (bytes.length > bytesMax) throw new Wrong({ code: "tooLong", bytes: bytes.length, max: bytesMax });
  return bytes;
};

export async function readKeys(fetchOf: Fetch): Promise<string> {
  const bytes = await fetchOf("/log/keys", KEYS_BYTES_MAX);
  return bytes === undefined ? "" : (fromUtf8(bytes) ?? "");
}

/** As it is written; who signed it is another question. */
export async function readCheckpoint(fetchOf: Fetch): Promise<Checkpoint> {
  const bytes = await fetchOf("/log/checkpoint", NOTE_CHARACTERS_MAX);
  const text = bytes === undefined ? undefined : fromUtf8(bytes);
  if (text === undefined) throw new Wrong({ code: "siteUnread", detail: "/log/checkpoint" });
  try {
    return parseCheckpoint(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Wrong({ code: "checkpointForm", detail: error.message });
  }
}

/** "x001/x234/067" for 1234067. */
export function tileName(index: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
  const groups = digits.match(/.{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
}

export class Tiles {
  private readonly read = new Map<string, Promise<Bytes>>();

  constructor(
    private readonly size: number,
    private readonly fetchOf: Fetch,
  ) {}

  /** A subtree's hash: of 2^level leaves. */
  readonly hashAt: HashAt = async (level, index) => {
    const tileLevel = Math.floor(level / LEVELS);
    const inside = 2 ** (level % LEVELS);
    const first = index * inside;
    const bytes = await this.tile(`${tileLevel}`, Math.floor(first / WIDTH), Math.floor(this.size / WIDTH ** tileLevel), TILE_BYTES_MAX);
    let hashes = Array.from({ length: inside }, (_, n) => bytes.slice(((first % WIDTH) + n) * HASH_BYTES, ((first % WIDTH) + n + 1) * HASH_BYTES));
    if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw new Wrong({ code: "siteUnread", detail: `tile/${tileLevel}: ${bytes.length}` });
    while (hashes.length > 1) {
      const pairs = hashes;
      hashes = await Promise.all(Array.from({ length: pairs.length / 2 }, (_, n) => nodeHash(pairs[2 * n] ?? new Uint8Array(), pairs[2 * n + 1] ?? new Uint8Array())));
    }
    return hashes[0] ?? new Uint8Array();
  };

  /** The text of a leaf, or undefined when it is not in this tree. */
  async entry(index: number): Promise<string | undefined> {
    if (index >= this.size) return undefined;
    const bytes = await this.tile("entries", Math.floor(index / WIDTH), this.size, BUNDLE_BYTES_MAX);
    let at = 0;
    for (let n = 0; at + 2 <= bytes.length; n += 1) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (n === index % WIDTH) {
        const entry = bytes.slice(at + 2, at + 2 + length);
        const text = entry.length === length ? fromUtf8(entry) : undefined;
        if (text === undefined) break;
        return text;
      }
      at += 2 + length;
    }
    throw new Wrong({ code: "siteUnread", detail: `tile/entries/${tileName(Math.floor(index / WIDTH))}` });
  }

  /** Of `length` hashes or entries that the tree has at this level. A partial tile may have been overtaken by the full one, which begins alike. */
  private tile(level: string, index: number, length: number, bytesMax: number): Promise<Bytes> {
    const path = `/log/tile/${level}/${tileName(index)}`;
    const known = this.read.get(path);
    if (known !== undefined) return known;
    const width = Math.min(WIDTH, length - index * WIDTH);
    const reading = (async () => {
      const part = width < WIDTH ? await this.fetchOf(`${path}.p/${width}`, bytesMax) : undefined;
      const bytes = part ?? (await this.fetchOf(path, bytesMax));
      if (bytes === undefined) throw new Wrong({ code: "siteUnread", detail: path });
      return bytes;
    })();
    this.read.set(path, reading);
    return reading;
  }
}
