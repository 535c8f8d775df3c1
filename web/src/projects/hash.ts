// A document's fingerprint, made on this device. The document itself goes nowhere.

/** A scan has some megabytes; the whole of it is in memory for a moment. */
export const FILE_BYTES_MAX = 50 * 1024 * 1024;

/** Browsers have it only where the page came safely. */
export function canHash(): boolean {
  return (globalThis.crypto as Crypto | undefined)?.subtle !== undefined;
}

export async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What somebody pasted, as it is sent; undefined: it is no fingerprint. */
export function hashOf(text: string): string | undefined {
  const plain = text.replace(/\s+/g, "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(plain) ? plain : undefined;
}
