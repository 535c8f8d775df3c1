// Words of this page alone: other pages don't download them.

import { Section } from "../text";
import type { HostCatalogue } from "./text/zh-CN";

export const hostText = new Section<HostCatalogue>({
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
});
