// Words of this page alone: other pages don't download them.

import { Section } from "../text";
import type { OpsCatalogue } from "./text/zh-CN";

export const opsText = new Section<OpsCatalogue>({
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
});
