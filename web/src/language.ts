// Which language a reader gets, and its words.

import type { Catalogue } from "./text/zh-CN";
import { device } from "./wire/memory";

export type Language = "zh-CN" | "en";

/** A reader downloads one language, not all of them. */
export type Catalogues<T> = Readonly<Record<Language, () => Promise<T>>>;

const CATALOGUES: Catalogues<Catalogue> = {
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
};
const REMEMBERED = "apricot.language";

export function catalogueOf(language: Language): Promise<Catalogue> {
  return CATALOGUES[language]();
}

export function firstLanguage(remembered: string | null, preferred: readonly string[]): Language {
  if (remembered === "zh-CN" || remembered === "en") return remembered;
  const first = preferred.find((tag) => /^(zh|en)\b/i.test(tag));
  return first === undefined || /^zh/i.test(first) ? "zh-CN" : "en";
}

export function readLanguage(): Language {
  return firstLanguage(device.recall(REMEMBERED), navigator.languages);
}

export function rememberLanguage(language: Language): void {
  device.keep(REMEMBERED, language);
}
