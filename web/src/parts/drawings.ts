// What is shown for a product without a picture: a drawing of what its title names, or a crate.

import apricot from "../look/goods/apricot.svg";
import crate from "../look/goods/crate.svg";
import dried from "../look/goods/dried.svg";
import honey from "../look/goods/honey.svg";
import orchard from "../look/goods/orchard.svg";
import walnut from "../look/goods/walnut.svg";

/** Words that name more come first: blossom honey is honey, dried apricots are dried. */
const DRAWN: readonly (readonly [words: RegExp, drawing: string])[] = [
  [/蜜(?!桃|橘|柚|瓜)|honey/i, honey],
  [/核桃|walnut/i, walnut],
  [/[杏果]干|果脯|dried/i, dried],
  [/杏(?!仁)|apricot/i, apricot],
];

export function drawingOf(title: string): string {
  return DRAWN.find(([words]) => words.test(title))?.[1] ?? crate;
}

export { orchard };
