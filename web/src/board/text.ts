// Words of this page alone: other pages don't download them.

import { Section } from "../text";
import type { BoardCatalogue } from "./text/zh-CN";

export const boardText = new Section<BoardCatalogue>({
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
});
