import { expect, test } from "vitest";

import { isPicture } from "../parts/Photo";
import { roomOfPath } from "../wire/address";
import { shipTo, wrongFields } from "./shipping";

const GOOD = { name: "林", phone: "138 0000-0000", address: "杏石口路 1 号" };

test.each([
  ["all is well", {}, []],
  ["a foreign number", { phone: "+44 (20) 7946 0000" }, []],
  ["full-width digits", { phone: "１３８００００００００" }, []],
  ["nothing at all", { name: " ", phone: "", address: "\n" }, ["name", "phone", "address"]],
  ["letters in the number", { phone: "138abc" }, ["phone"]],
  ["too few digits", { phone: "1234" }, ["phone"]],
  ["sixty emoji are sixty characters", { name: "🍑".repeat(60) }, []],
  ["one more is too many", { name: "🍑".repeat(61) }, ["name"]],
])("an address: %s", (_name, change, wrong) => {
  expect(wrongFields({ ...GOOD, ...change })).toEqual(wrong);
});

test("the number is sent without what people put between digits", () => {
  expect(shipTo(GOOD).phone).toBe("13800000000");
});

test.each([
  ["/", undefined],
  ["/rooms/li-orchard", "li-orchard"],
  ["/rooms/li-orchard/", "li-orchard"],
  ["/rooms/..%2f..", undefined],
  ["/rooms/Li", undefined],
  ["/rooms/a/b", undefined],
])("the path %s names the room %s", (path, room) => expect(roomOfPath(path)).toBe(room));

test.each([
  ["https://img.example/a.jpg", true],
  ["/pictures/a.jpg", true],
  ["http://img.example/a.jpg", false],
  ["//img.example/a.jpg", false],
  ["/\\img.example/a.jpg", false],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["", false],
])("the picture %j is used: %s", (address, used) => expect(isPicture(address)).toBe(used));
