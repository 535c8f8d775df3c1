// Words of pledges on the desk.

import { Section } from "../../text";
import type { PledgingCatalogue } from "./zh-CN";

export const pledgingText = new Section<PledgingCatalogue>({
  "zh-CN": async () => (await import("./zh-CN")).zhCN,
  en: async () => (await import("./en")).en,
});
