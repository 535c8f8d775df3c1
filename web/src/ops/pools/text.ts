// Words of sponsors' pools.

import { Section } from "../../text";
import type { PoolsCatalogue } from "./zh-CN";

export const poolsText = new Section<PoolsCatalogue>({
  "zh-CN": async () => (await import("./zh-CN")).zhCN,
  en: async () => (await import("./en")).en,
});
