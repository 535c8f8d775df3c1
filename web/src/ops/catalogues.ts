// Words of this page alone: other pages don't download them.

import type { Catalogues } from "../language";
import type { OpsCatalogue } from "./text/zh-CN";

export const opsCatalogues: Catalogues<OpsCatalogue> = {
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
};
