import { expect, test } from "vitest";

import type { Claims } from "../wire/claims";
import { NOBODY, claimsOf } from "../wire/claims";
import { rightsIn, type As } from "./rights";

const ROOM = { id: "hillside", hostId: "lin", place: "云南 漾濞", moderators: ["mo"] };

test.each<[string, Partial<Claims>, As]>([
  ["the room's host", { role: "host", subject: "lin" }, "host"],
  ["another host", { role: "host", subject: "wang" }, "nobody"],
  ["ops", { role: "ops", subject: "o" }, "ops"],
  ["a commissioner of the county", { role: "commissioner", subject: "zhou", county: "云南" }, "commissioner"],
  ["a commissioner of another one", { role: "commissioner", subject: "zhou", county: "贵州" }, "nobody"],
  ["a commissioner without a county", { role: "commissioner", subject: "zhou" }, "nobody"],
  ["a moderator by link", { role: "moderator", subject: "mo", room: "hillside" }, "moderator"],
  ["a viewer who was appointed", { role: "viewer", subject: "mo" }, "moderator"],
  ["a moderator of another room", { role: "moderator", subject: "mo", room: "valley" }, "nobody"],
  ["a moderator who was dismissed", { role: "moderator", subject: "gone" }, "nobody"],
  ["a host who only moderates here", { role: "host", subject: "mo" }, "moderator"],
  ["nobody", {}, "nobody"],
])("%s", (_, claims, as) => {
  expect(rightsIn(ROOM, { ...NOBODY, ...claims }).as).toBe(as);
});

test("money is for who runs the room", () => {
  const helper = rightsIn(ROOM, { ...NOBODY, role: "commissioner", county: "云南" });
  expect(helper).toMatchObject({ runs: false, sells: false, moderates: true, arranges: true, seesFigures: true });
  expect(rightsIn(ROOM, { ...NOBODY, role: "viewer", subject: "mo" })).toMatchObject({ runs: false, arranges: false, seesFigures: false });
});

test("a token's words are read in any script, and nonsense is nobody", () => {
  const body = btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify({ sub: "lin", name: "老林", role: "host" }))));
  expect(claimsOf(`x.${body.replace(/=/g, "")}.y`)).toEqual({ ...NOBODY, subject: "lin", name: "老林", role: "host" });
  expect(claimsOf("nonsense")).toEqual(NOBODY);
  expect(claimsOf("a.%%%.b")).toEqual(NOBODY);
});
