import { expect, test } from "vitest";

const NAMED = ["./tokens.css", "./charts.css"];

test("every colour has its name among the tokens", () => {
  const sheets = Object.entries(import.meta.glob<string>("../**/*.css", { query: "?raw", import: "default", eager: true }));
  expect(sheets.filter(([, text]) => text !== "").length).toBeGreaterThan(10);
  const nameless = sheets
    .filter(([name]) => !NAMED.includes(name))
    .flatMap(([name, text]) => text.split("\n").flatMap((line, at) => (/#[\da-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/i.test(line) ? [`${name}:${at + 1} ${line.trim()}`] : [])));
  expect(nameless).toEqual([]);
});
