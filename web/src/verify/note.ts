// Signed notes and checkpoints: c2sp.org/signed-note, tlog-checkpoint, and cosignatures of witnesses (tlog-cosignature).

import { concat, decimal, fromBase64, hexOf, sha256, utf8, type Bytes } from "./bytes";
import { Wrong } from "./findings";
import { HASH_BYTES, type Tree } from "./tree";

export const NOTE_CHARACTERS_MAX = 128 * 1024;
const SIGNATURES_MAX = 16;
const KEYS_CHARACTERS_MAX = 64 * 1024;
const KEYS_MAX = 256;
const NAME_BYTES_MAX = 256;
const SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;
const LOG = 0x01;
const WITNESS = 0x04;

/** Points of small order: under such a key one signature fits many texts. The sign bit does not matter. */
const WEAK_POINTS = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** `<name>+<id>+<base64(type || public key)>` */
export interface Key {
  readonly name: string;
  /** 8 hex digits. */
  readonly id: string;
  readonly isWitness: boolean;
  readonly point: Bytes;
  readonly text: string;
}

interface Signature {
  readonly name: string;
  readonly id: string;
  readonly bytes: Bytes;
}

export interface Checkpoint extends Tree {
  readonly origin: string;
  readonly text: string;
  readonly signatures: readonly Signature[];
}

/** Why it is no key, in the words of docs/log.md. */
export class NoKey extends Error {}

export async function parseKey(line: string): Promise<Key> {
  const [, name, id, base64] = /^([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
  if (name === undefined || id === undefined || base64 === undefined) throw new NoKey("<name>+<8 hex digits>+<base64>");
  if (!nameFits(name)) throw new NoKey("<name>");
  const typed = fromBase64(base64);
  const type = typed?.[0];
  if (typed === undefined || typed.length !== 1 + HASH_BYTES) throw new NoKey("base64(type || 32 bytes)");
  if (type !== LOG && type !== WITNESS) throw new NoKey(`type 0x${(type ?? 0).toString(16).padStart(2, "0")}`);
  const point = typed.slice(1);
  const unsigned = point.slice();
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  if (WEAK_POINTS.includes(hexOf(unsigned))) throw new NoKey("weak point");
  const computed = hexOf((await sha256(utf8(`${name}\n`), typed)).slice(0, 4));
  if (computed !== id) throw new NoKey(`${id} ≠ ${computed}`);
  return { name, id, isWitness: type === WITNESS, point, text: line };
}

/** A key on each line; `#` begins a remark. All keys of the log have one name, which is its origin. */
export async function parseKeys(text: string): Promise<readonly Key[]> {
  if (text.length > KEYS_CHARACTERS_MAX) throw new Wrong({ code: "tooLong", bytes: text.length, max: KEYS_CHARACTERS_MAX });
  const keys: Key[] = [];
  for (const [at, written] of text.split("\n").entries()) {
    const line = written.trim();
    if (line === "" || line.startsWith("#")) continue;
    try {
      keys.push(await parseKey(line));
    } catch (error) {
      if (!(error instanceof NoKey)) throw error;
      throw new Wrong({ code: "keyForm", line: at + 1, detail: error.message });
    }
    const [log] = keys.filter(({ isWitness }) => !isWitness);
    const last = keys.at(-1);
    if (keys.length > KEYS_MAX) throw new Wrong({ code: "keyForm", line: at + 1, detail: `> ${KEYS_MAX}` });
    if (log !== undefined && last !== undefined && !last.isWitness && last.name !== log.name) throw new Wrong({ code: "keyForm", line: at + 1, detail: `${last.name} ≠ ${log.name}` });
  }
  return keys;
}

export function originOf(keys: readonly Key[]): string | undefined {
  return keys.find(({ isWitness }) => !isWitness)?.name;
}

/** Throws a text that says which part is not as it should be. */
export function parseCheckpoint(note: string): Checkpoint {
  if (note.length > NOTE_CHARACTERS_MAX) throw new SyntaxError(`note > ${NOTE_CHARACTERS_MAX}`);
  if (/[\u0000-\u0009\u000b-\u001f]|\p{Surrogate}/u.test(note)) throw new SyntaxError("control character");
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new SyntaxError("no signatures");
  const text = note.slice(0, end + 1);
  const below = note.slice(end + 2);
  if (!below.endsWith("\n")) throw new SyntaxError("no newline at the end");
  const lines = below.slice(0, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) throw new SyntaxError(`signatures > ${SIGNATURES_MAX}`);
  const signatures = lines.map(parseSignature);
  const [origin, size, root, ...more] = text.slice(0, -1).split("\n");
  const leaves = decimal(size ?? "");
  const hash = fromBase64(root ?? "");
  if (origin === undefined || origin === "" || /\p{Cc}/u.test(origin)) throw new SyntaxError("origin");
  if (leaves === undefined) throw new SyntaxError("size");
  if (hash?.length !== HASH_BYTES) throw new SyntaxError("root");
  if (more.includes("")) throw new SyntaxError("empty line");
  return { origin, size: leaves, root: hash, text, signatures };
}

function parseSignature(line: string): Signature {
  const [, name, base64] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = fromBase64(base64 ?? "");
  if (name === undefined || !nameFits(name) || bytes === undefined || bytes.length < 5) throw new SyntaxError("signature line");
  return { name, id: hexOf(bytes.slice(0, 4)), bytes: bytes.slice(4) };
}

function nameFits(name: string): boolean {
  return name !== "" && !/[\s+\p{Cc}]/u.test(name) && utf8(name).length <= NAME_BYTES_MAX;
}

/** Whose signatures hold. Those of keys that nobody knows say nothing; a wrong one of a known key makes the whole worthless. */
export async function signersOf(checkpoint: Checkpoint, keys: readonly Key[]): Promise<readonly Key[]> {
  const signers = new Set<Key>();
  for (const signature of checkpoint.signatures) {
    const key = keys.find(({ name, id }) => name === signature.name && id === signature.id);
    if (key === undefined) continue;
    if (!(await isSignedBy(key, checkpoint.text, signature.bytes))) throw new Wrong({ code: "wrongSignature", id: key.id });
    signers.add(key);
  }
  return [...signers];
}

/** How many witnesses signed; the log itself must have. */
export async function believe(checkpoint: Checkpoint, keys: readonly Key[]): Promise<{ readonly signer: Key; readonly witnesses: number }> {
  const origin = originOf(keys);
  if (origin === undefined) throw new Wrong({ code: "keyNone", origin: checkpoint.origin });
  if (checkpoint.origin !== origin) throw new Wrong({ code: "otherLog", found: checkpoint.origin, wanted: origin });
  const signers = await signersOf(checkpoint, keys);
  const signer = signers.find(({ isWitness }) => !isWitness);
  if (signer === undefined) throw new Wrong({ code: "notSigned", id: keys.find(({ isWitness }) => !isWitness)?.id ?? "" });
  return { signer, witnesses: signers.filter(({ isWitness }) => isWitness).length };
}

async function isSignedBy(key: Key, text: string, signed: Bytes): Promise<boolean> {
  if (!key.isWitness) return verifies(key.point, signed, utf8(text));
  if (signed.length !== TIME_BYTES + SIGNATURE_BYTES) return false;
  const atS = new DataView(signed.buffer, signed.byteOffset).getBigUint64(0);
  if (atS === 0n || atS > 0x7fff_ffff_ffff_ffffn) return false;
  return verifies(key.point, signed.slice(TIME_BYTES), concat(utf8(`cosignature/v1\ntime ${atS}\n`), utf8(text)));
}

async function verifies(point: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES) return false;
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("raw", point, "Ed25519", false, ["verify"]);
  } catch (error) {
    // A point that is on no curve is a data error; a browser that knows no Ed25519 says so by another.
    if (error instanceof DOMException && error.name === "NotSupportedError") throw new Wrong({ code: "noEd25519" });
    return false;
  }
  return crypto.subtle.verify("Ed25519", key, signature, message);
}

