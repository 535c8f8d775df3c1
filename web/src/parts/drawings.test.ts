import { expect, test } from "vitest";

import { drawingOf } from "./drawings";

test.each([
  ["树上黄杏 Tree-ripe apricots", "apricot"],
  ["无硫杏干 Sun-dried apricots", "dried"],
  ["薄皮核桃 Thin-shell walnuts", "walnut"],
  ["杏花蜜 Apricot blossom honey", "honey"],
  ["阳山水蜜桃", "crate"],
  ["小米 Millet", "crate"],
])("%s is drawn as %s", (title, drawing) => {
  expect(drawingOf(title)).toContain(`/${drawing}.svg`);
});
