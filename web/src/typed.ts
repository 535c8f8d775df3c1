// Amounts and shares as people type them. Apart from money.ts: whoever only looks needs none of it.

/** "12.5", "12.50" or "12" becomes 1250n; anything else is refused. Full-width digits and points are what a phone types. */
export function fromDecimal(text: string, digits = 2): bigint | undefined {
  const match = /^(\d{1,9})(?:\.(\d+))?$/.exec(text.normalize("NFKC").replace(/[。,]/g, ".").trim());
  const fraction = match?.[2] ?? "";
  if (match === null || fraction.length > digits) return undefined;
  return BigInt(`${match[1]}${fraction.padEnd(digits, "0")}`);
}

/** "2.5" and "2.5%" are 25,000; four decimals at most, from `least` to `most`. */
export function ppmFrom(text: string, least: number, most: number): number | undefined {
  const plain = text.normalize("NFKC").replace(/%/g, "").replace(/[。,]/g, ".").trim();
  const match = /^(\d{1,5})(?:\.(\d{1,4}))?$/.exec(plain);
  if (match === null) return undefined;
  const ppm = Number(match[1]) * 10_000 + Number((match[2] ?? "").padEnd(4, "0"));
  return ppm >= least && ppm <= most ? ppm : undefined;
}
