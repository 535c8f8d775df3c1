// Words of this page alone: other pages don't download them.

import { Section, type Words } from "../text";
import type { Code, Findings } from "./findings";
import type { VerifyCatalogue } from "./text/zh-CN";

/** A sentence for each finding, from its names and numbers. */
export type Sentences = { readonly [C in Code]: (it: Findings[C], w: Words) => string };

export const verifyText = new Section<VerifyCatalogue>({
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
});
