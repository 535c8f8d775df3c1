// Amounts are integers of the smallest unit; they become decimals only here, for the eye.

import type { Money } from "./gen/apricot/v1/common_pb";

const formats = new Map<string, Intl.NumberFormat | null>();

export function moneyParts(money: Pick<Money, "minor" | "currency">, language: string): Intl.NumberFormatPart[] {
  if (money.currency === "CNY") return yuanParts(money.minor);
  const format = formatOf(money.currency, language);
  // An unknown currency is shown as it came, rather than guessed.
  if (format === null) return [{ type: "literal", value: `${money.minor} ${money.currency}`.trim() }];
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.formatToParts(Number(toDecimal(money.minor, digits)));
}

/** As Intl writes yuan in both languages. A phone takes long to load what Intl knows of money, and a room's first price should not wait for it. */
function yuanParts(minor: bigint): Intl.NumberFormatPart[] {
  const [whole = "", fraction = ""] = toDecimal(minor < 0n ? -minor : minor, 2).split(".");
  const groups = grouped(whole)
    .split(",")
    .flatMap((value, at): Intl.NumberFormatPart[] => [...(at > 0 ? [{ type: "group", value: "," } as const] : []), { type: "integer", value }]);
  const sign: Intl.NumberFormatPart[] = minor < 0n ? [{ type: "minusSign", value: "-" }] : [];
  return [...sign, { type: "currency", value: "¥" }, ...groups, { type: "decimal", value: "." }, { type: "fraction", value: fraction }];
}

/** "1234567" is "1,234,567", in Chinese and in English. */
export function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 1250n with two digits is "12.50". */
export function toDecimal(minor: bigint, digits: number): string {
  const sign = minor < 0n ? "-" : "";
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function formatOf(currency: string, language: string): Intl.NumberFormat | null {
  const key = `${language}/${currency}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = /^[A-Z]{3}$/.test(currency)
    ? new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol" })
    : null;
  // A hostile server could send endless currencies; a page meets a handful.
  if (formats.size < 32) formats.set(key, made);
  return made;
}
