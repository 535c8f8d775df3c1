// c2sp.org/tlog-proof@v1: that an entry is in a log, as a text.

import { decimal, fromBase64, type Bytes } from "./bytes";
import { NOTE_CHARACTERS_MAX, parseCheckpoint, type Checkpoint } from "./note";
import { HASHES_MAX, HASH_BYTES } from "./tree";

export const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const EXTRA_BYTES_MAX = 64 * 1024;
/** A checkpoint, 63 hashes in base64, extra data in base64, and the other lines. */
const PROOF_CHARACTERS_MAX = NOTE_CHARACTERS_MAX + HASHES_MAX * 45 + Math.ceil((EXTRA_BYTES_MAX * 4) / 3) + 128;

export interface Proof {
  readonly index: number;
  /** From the leaf's sibling up. */
  readonly hashes: readonly Bytes[];
  readonly checkpoint: Checkpoint;
}

/** Throws a text that says which part is not as it should be. */
export function parseProof(text: string): Proof {
  if (text.length > PROOF_CHARACTERS_MAX) throw new SyntaxError(`proof > ${PROOF_CHARACTERS_MAX}`);
  const end = text.indexOf("\n\n");
  if (end < 0) throw new SyntaxError("no checkpoint");
  const [first, ...lines] = text.slice(0, end).split("\n");
  if (first !== FIRST_LINE) throw new SyntaxError("first line");
  if (lines[0]?.startsWith("extra ") === true) {
    const extra = fromBase64((lines.shift() ?? "").slice("extra ".length));
    if (extra === undefined || extra.length === 0 || extra.length > EXTRA_BYTES_MAX) throw new SyntaxError("extra");
  }
  const said = lines.shift();
  const index = said?.startsWith("index ") === true ? decimal(said.slice("index ".length)) : undefined;
  if (index === undefined) throw new SyntaxError("index");
  if (lines.length > HASHES_MAX) throw new SyntaxError(`hashes > ${HASHES_MAX}`);
  const hashes = lines.map((line, at) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw new SyntaxError(`hash ${at + 1}`);
    return hash;
  });
  return { index, hashes, checkpoint: parseCheckpoint(text.slice(end + 2)) };
}
