// Words live in the catalogues: a page has none of its own, in any language.

import { expect, test } from "vitest";

const sources = Object.entries(import.meta.glob<string>(["../**/*.ts", "../**/*.tsx"], { query: "?raw", import: "default", eager: true })).filter(
  ([name]) => !/\/(zh-CN|en)\.ts$|\/text\/|^\.\/|\/gen\/|\.test\.ts$|testlog/.test(name),
);
const drawn = sources.filter(([name]) => name.endsWith(".tsx"));

/** Comments are for us. */
const bare = (source: string): string => source.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");

function found(sources: readonly [string, string][], what: RegExp): readonly string[] {
  return sources.flatMap(([name, source]) => [...bare(source).matchAll(what)].map(([text]) => `${name}: ${text.trim().replace(/\s+/g, " ")}`));
}

/** Each with its reason: two read what hosts wrote, the third names a language in that language. */
const OWN = ["../parts/drawings.ts", "../board/provinces.ts", "../parts/page.tsx"];

const CHINESE = /\p{Script=Han}+/gu;
const BETWEEN_TAGS = /(?<![=-])>\s*[^<>{}();=&|?:"'`]*\p{L}{2,}[^<>{}();=&|?:"'`]*[<{]/gu;
/** A sample of what is typed there has no space in it, and goes on. */
const ATTRIBUTE = /\b(?:aria-label|aria-description|title|placeholder|alt|label)=\{?["'](?!\S*…)[^"'`]*\p{L}{2,}[^"'`]*["'`]/gu;

test("what is looked for is found", () => {
  expect(drawn.length).toBeGreaterThan(60);
  expect(found([["a", "<p>立即抢</p>"]], CHINESE)).toHaveLength(1);
  expect(found([["a", "<p>Get it</p>"], ["b", "<p>\n  Only {left} left\n</p>"]], BETWEEN_TAGS)).toHaveLength(2);
  expect(found([["a", `<input placeholder="Say something" aria-label={"Your line"} />`]], ATTRIBUTE)).toHaveLength(2);
});

test("no Chinese outside of the catalogues", () => {
  expect(found(sources.filter(([name]) => !OWN.includes(name)), CHINESE)).toEqual([]);
});

test("no words between tags", () => {
  expect(found(drawn.filter(([name]) => !OWN.includes(name)), BETWEEN_TAGS)).toEqual([]);
});

test("no words in attributes that people read or hear", () => {
  expect(found(drawn, ATTRIBUTE)).toEqual([]);
});
