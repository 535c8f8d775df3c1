import { expect, test } from "vitest";

import { RoomSchema, RoomState } from "../gen/apricot/v1/room_pb";
import { create } from "../wire/messages";
import { pictureWait } from "./player";
import { playable } from "./Stage";

test("a picture that fails is left alone for longer each time, up to a minute and a bit", () => {
  expect([0, 1, 2, 3, 4, 5, 900].map((attempt) => pictureWait(attempt, 0.5))).toEqual([4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect([pictureWait(0, 0), pictureWait(0, 1)]).toEqual([3_000, 5_000]);
});

test.each([
  [RoomState.LIVE, "https://stream.example/a.m3u8", true],
  [RoomState.PAUSED, "https://stream.example/a.m3u8", false],
  [RoomState.ENDED, "https://stream.example/a.m3u8", false],
  [RoomState.LIVE, "", false],
  [RoomState.LIVE, "http://stream.example/a.m3u8", false],
  [RoomState.LIVE, "javascript:alert(1)", false],
  [RoomState.LIVE, "blob:https://stream.example/1", false],
])("a room in state %i plays %j: %s", (state, playbackUrl, plays) => {
  expect(playable(create(RoomSchema, { state, playbackUrl })) !== undefined).toBe(plays);
});
