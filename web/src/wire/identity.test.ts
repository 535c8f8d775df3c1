import { expect, test } from "vitest";

import { pledgeOfPath } from "./address";
import { identityOf, pastedToken } from "./identity";

const payload = (claims: object): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(claims)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const token = (claims: object): string => `${payload({ alg: "EdDSA" })}.${payload(claims)}.c2ln`;

test("a token says who one is", () => {
  const mei = token({ sub: "mei", name: "小梅🍑", role: "viewer", exp: 1_790_000_000, room: "hill" });
  expect(identityOf(mei)).toEqual({ token: mei, name: "小梅🍑", role: "viewer", endsAtMs: 1_790_000_000_000, room: "hill" });
  expect(identityOf(token({ sub: "tom" }))).toMatchObject({ name: "tom", role: "", endsAtMs: 0, room: "" });
});

test.each(["", "a.b.c", "not a token", "..", `x.${payload([])}`])("%j is nobody, or nobody in particular", (text) => {
  expect(identityOf(text)?.role ?? "").toBe("");
});

test.each([
  ["a.b.c", "a.b.c"],
  ["  https://live.example/rooms/hill#token=aa.bb.cc \n", "aa.bb.cc"],
  ["https://live.example/host#room=hill&token=aa.bb-_.cc&x=1", "aa.bb-_.cc"],
  ["小梅，您的链接：https://live.example/rooms/hill#token=aa.bb.cc", "aa.bb.cc"],
  ["https://live.example/rooms/hill", undefined],
  ["javascript:alert(1)", undefined],
  ["", undefined],
])("pasted %j gives %j", (text, found) => expect(pastedToken(text)).toBe(found));

test.each([
  ["/pledges/01a20cbc-d3e3", "01a20cbc-d3e3"],
  ["/pledges/a%20b/", "a b"],
  ["/pledges/%E0%A4%A", undefined],
  ["/pledges/", undefined],
  ["/rooms/a", undefined],
])("the path %s names the pledge %j", (path, pledge) => expect(pledgeOfPath(path)).toBe(pledge));
