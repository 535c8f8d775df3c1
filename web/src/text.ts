// Words, money and time in the reader's language. Components call `useWords()` and write nothing of their own.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Money } from "./gen/apricot/v1/common_pb";
import { catalogueOf, type Catalogues, type Language } from "./language";
import { grouped, moneyParts } from "./money";
import type { Catalogue } from "./text/zh-CN";

export type { Catalogue };

/** A message of the wire, or an amount from elsewhere. */
type Sum = Pick<Money, "minor" | "currency"> & Partial<Pick<Money, "$typeName">>;

export interface Words {
  readonly language: Language;
  readonly t: Catalogue;
  readonly count: (n: number | bigint) => string;
  readonly money: (money: Sum) => string;
  readonly moneyParts: (money: Sum) => Intl.NumberFormatPart[];
  readonly percent: (ppm: number) => string;
  /** One of many shares that stand below each other: with the same decimals. */
  readonly share: (ppm: number) => string;
  /** A clock time, with the day when it is not today. */
  readonly moment: (atMs: number, nowMs: number) => string;
  /** Day and time with the year, for papers that are kept. */
  readonly stamp: (atMs: number) => string;
  /** A day with the year. */
  readonly day: (atMs: number) => string;
}

export async function wordsOf(language: Language): Promise<Words> {
  const t = await catalogueOf(language);
  const number = (options?: Intl.NumberFormatOptions) => later(() => new Intl.NumberFormat(language, options));
  const date = (options: Intl.DateTimeFormatOptions) => later(() => new Intl.DateTimeFormat(language, options));
  const whole = number();
  const percent = number({ style: "percent", maximumFractionDigits: 2 });
  const share = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const today = date({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const otherDay = date({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const full = date({ dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  const day = date({ dateStyle: "medium" });
  return {
    language,
    t,
    count: (n) => (typeof n === "bigint" || Number.isSafeInteger(n) ? grouped(String(n)) : whole().format(n)),
    money: (money) => moneyParts(money, language).map((part) => part.value).join(""),
    moneyParts: (money) => moneyParts(money, language),
    percent: (ppm) => percent().format(ppm / 1_000_000),
    share: (ppm) => share().format(ppm / 1_000_000),
    moment: (atMs, nowMs) => {
      const sameDay = new Date(atMs).toDateString() === new Date(nowMs).toDateString();
      return (sameDay ? today : otherDay)().format(atMs);
    },
    stamp: (atMs) => full().format(atMs),
    day: (atMs) => day().format(atMs),
  };
}

/** Made when it is first asked for: a cheap phone needs milliseconds for each format, and a room shows few of them. */
function later<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Marks that turn the direction of what comes after them. */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What somebody wrote, for a sentence of ours: it can't turn the words around it. Where it is an element of its own, that is a `<bdi>`. */
export function apart(written: string): string {
  return written === "" ? "" : `\u2068${written.replace(TURNING, "")}\u2069`;
}

/** "4:05" or "1:02:09": the same digits in every language, so that a countdown never jumps in width. */
export function clockFace(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${two(minutes)}:${two(seconds % 60)}`;
}

/** Words that some pages need and others don't download. `show` fetches them before the page is drawn. */
export class Section<T> {
  private readonly known = new Map<Language, T>();

  constructor(private readonly catalogues: Catalogues<T>) {}

  async fetch(language: Language): Promise<void> {
    this.known.set(language, await this.catalogues[language]());
  }

  use(): T {
    const words = this.known.get(useWords().language);
    if (words === undefined) throw new Error("a component was drawn before its section's words came");
    return words;
  }
}

export const WordsContext = createContext<Words | undefined>(undefined);

export function useWords(): Words {
  const words = useContext(WordsContext);
  if (words === undefined) throw new Error("a component was drawn before its words came");
  return words;
}
