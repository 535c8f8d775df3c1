// Words of remittances.

import { Section } from "../../text";
import type { RemitCatalogue } from "./zh-CN";

export const remitText = new Section<RemitCatalogue>({
  "zh-CN": async () => (await import("./zh-CN")).zhCN,
  en: async () => (await import("./en")).en,
});
