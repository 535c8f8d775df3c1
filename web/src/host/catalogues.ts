// Words of this page alone: other pages don't download them.

import type { Catalogues } from "../language";
import type { HostCatalogue } from "./text/zh-CN";

export const hostCatalogues: Catalogues<HostCatalogue> = {
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
};
