// Words of this page alone: other pages don't download them.

import { Section } from "../text";
import type { ReceiptsCatalogue } from "./text/zh-CN";

export const receiptsText = new Section<ReceiptsCatalogue>({
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
});
