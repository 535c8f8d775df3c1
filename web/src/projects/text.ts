// Words of these pages alone: other pages don't download them.

import { Section } from "../text";
import type { ProjectsCatalogue } from "./text/zh-CN";

export const projectsText = new Section<ProjectsCatalogue>({
  "zh-CN": async () => (await import("./text/zh-CN")).zhCN,
  en: async () => (await import("./text/en")).en,
});
