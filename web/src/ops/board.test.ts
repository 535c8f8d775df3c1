import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { Lane } from "../gen/apricot/v1/common_pb";
import { OpsReadingSchema, type OpsReading } from "../gen/apricot/v1/ops_pb";
import { create } from "../wire/messages";
import { Board, emptyFrame } from "./board";

const START_MS = 1_790_000_000_000;
const reading = (node: string, second: number, more: MessageInitShape<typeof OpsReadingSchema> = {}): OpsReading =>
  create(OpsReadingSchema, { node, atMs: BigInt(START_MS + second * 1000), overMs: 1000, connections: 10, commits: 5n, recordUp: true, ...more });

test("nodes are added up, the slowest quantile counts, and one that is down shows", () => {
  const board = new Board(1000, 60);
  const lanes = (p99: number) => [{ lane: Lane.CRITICAL, deliveries: 100n, delayUs: { p50: 1, p95: 2, p99 } }];
  board.take(reading("a", 1, { lanes: lanes(2_000) }), true);
  board.take(reading("b", 1, { lanes: lanes(9_000), recordUp: false }), true);
  const at = START_MS + 1000;
  expect(board.last("connections", "", at)).toBe(20);
  expect(board.last("deliveries.critical", "", at)).toBe(200);
  expect(board.last("delay.critical.p99", "", at)).toBe(9);
  expect(board.last("record", "", at)).toBe(0);
  expect(board.last("record", "a", at)).toBe(1);
  expect(board.last("delay.chat.p99", "", at)).toBeUndefined();
});

test("counts become rates, so that a merged minute and a second compare", () => {
  const board = new Board(10_000, 6);
  board.take(reading("a", 10, { overMs: 10_000, commits: 50n, refused: { "sold-out": 20n, "what-is-new": 10n } }), false);
  const at = START_MS + 10_000;
  expect(board.last("commits", "", at)).toBe(5);
  expect(board.last("refused.sold-out", "", at)).toBe(2);
  expect(board.last("refused.other", "", at)).toBe(1);
});

test("history fills what the feed did not say, and never writes over it", () => {
  const board = new Board(1000, 60);
  board.take(reading("a", 10, { connections: 7 }), true);
  board.take(reading("a", 10, { overMs: 10_000, connections: 3 }), false);
  const at = (second: number) => board.last("connections", "", START_MS + second * 1000, 1);
  expect([at(1), at(5), at(10)]).toEqual([3, 3, 7]);
});

test("a tick that came late is no gap, two that are missing are", () => {
  const board = new Board(1000, 60);
  for (const second of [1, 3, 6]) board.take(reading("a", second), true);
  const frame = emptyFrame(1, 60);
  board.fill(frame, ["connections"], "", START_MS + 6_000);
  expect(frame[1]?.slice(-6)).toEqual([10, 10, 10, 10, null, 10]);
});

test("an hour of readings of three nodes takes no more than the first ten minutes", () => {
  const board = new Board(1000, 600);
  const frame = emptyFrame(2, 600);
  const [times, lists] = [frame[0], frame.slice(1)];
  for (let second = 1; second <= 3_600; second += 1) {
    for (const node of ["a", "b", "c"]) board.take(reading(node, second, { connections: second }), true);
    board.fill(frame, ["connections", "commits"], "", START_MS + second * 1000);
  }
  expect(frame[0]).toBe(times);
  expect(frame.slice(1)).toEqual(lists);
  expect(frame.map(({ length }) => length)).toEqual([600, 600, 600]);
  expect(frame[1]?.[599]).toBe(3 * 3_600);
  expect(frame[1]?.[0]).toBe(3 * 3_001);
  expect(board.nodes).toEqual(["a", "b", "c"]);
});
