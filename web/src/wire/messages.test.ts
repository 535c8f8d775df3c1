// Our tables against @bufbuild/protobuf with whole descriptors: every message of the contract, filled by chance, must be the same to both.

import * as whole from "@bufbuild/protobuf";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";

import { MoneySchema } from "../gen/apricot/v1/common_pb";
import { BatchSchema, PublicationSchema, ReplySchema } from "../gen/apricot/v1/live_pb";
import { RoomSchema, RoomState } from "../gen/apricot/v1/room_pb";
import { create, fromBinary, fromJson, toBinary, toJson } from "./messages";

const EACH = 20;
const theirs = schemasIn(import.meta.glob("../gen/whole/**/*_pb.js", { eager: true }));
const ours = schemasIn(import.meta.glob("../gen/apricot/**/*_pb.js", { eager: true }));

function schemasIn(files: Record<string, unknown>): Map<string, DescMessage> {
  const all = Object.values(files).flatMap((file) => Object.values(file as object) as DescMessage[]);
  const kinds = all.filter((one) => typeof one === "object" && "typeName" in one && (one.kind === "message" || one.kind === undefined));
  return new Map(kinds.map((one) => [one.typeName, one]));
}

/** mulberry32: a seed of its own for each message, so that a failure comes again. */
function chance(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Init = Record<string, unknown>;
const { ScalarType } = whole;
const SAMPLES: Partial<Record<number, readonly unknown[]>> = {
  [ScalarType.STRING]: ["", "杏", "a\u202eb", "🍑".repeat(60), "\u0000"],
  [ScalarType.BOOL]: [false, true],
  [ScalarType.UINT32]: [0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1],
  [ScalarType.SINT32]: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)],
  [ScalarType.UINT64]: [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n],
  [ScalarType.INT64]: [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
  [ScalarType.DOUBLE]: [0, 0.1, -1.5, 1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
};

function filled(desc: DescMessage, random: () => number, depth = 0): Init {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const one = (field: DescField): unknown => {
    if (field.message !== undefined) return filled(field.message, random, depth + 1);
    if (field.enum !== undefined) return random() < 0.1 ? 77 : pick(field.enum.values).number;
    const scalar = "scalar" in field ? field.scalar : undefined;
    const samples = SAMPLES[scalar ?? 0];
    if (samples === undefined) throw new Error(`no samples of ${field.parent.typeName}.${field.name}`);
    return pick(samples);
  };
  const init: Init = {};
  for (const field of desc.fields) {
    const many = depth > 3 ? 0 : Math.floor(random() * 4);
    if (field.oneof !== undefined) {
      if (random() < 2 / field.oneof.fields.length) init[field.oneof.localName] = { case: field.localName, value: one(field) };
    } else if (field.fieldKind === "list") init[field.localName] = Array.from({ length: many }, () => one(field));
    else if (field.fieldKind === "map") init[field.localName] = Object.fromEntries(Array.from({ length: many }, (_, at) => [`key ${at}`, one(field)]));
    else if (random() < 0.7) init[field.localName] = one(field);
  }
  return init;
}

test("both know the same messages", () => {
  expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
  expect(ours.size).toBeGreaterThan(80);
});

describe.each([...theirs.keys()])("%s", (name) => {
  const their = theirs.get(name) as DescMessage;
  const our = ours.get(name) as DescMessage;
  const random = chance(name.length);
  const inits = [{}, ...Array.from({ length: EACH }, () => filled(their, random))];

  test("is made, written and read as they do it", () => {
    for (const init of inits) {
      const message = whole.create(their, init);
      expect(create(our, init)).toStrictEqual(message);
      const bytes = whole.toBinary(their, message);
      expect(toBinary(our, message)).toEqual(bytes);
      expect(fromBinary(our, bytes)).toStrictEqual(message);
      const json = whole.toJson(their, message);
      expect(toJson(our, message)).toEqual(json);
      expect(fromJson(our, json)).toStrictEqual(message);
    }
  });

  test("cut short, it is refused or what they read too", () => {
    for (const init of inits.slice(0, 8)) {
      const bytes = whole.toBinary(their, whole.create(their, init));
      for (let length = 0; length < bytes.length; length += 1 + (length >> 4)) {
        const cut = bytes.subarray(0, length);
        let expected: unknown = "refused";
        try {
          expected = whole.fromBinary(their, cut);
        } catch {
          expect(() => fromBinary(our, cut), `${length} of ${bytes.length} bytes`).toThrow();
          continue;
        }
        expect(fromBinary(our, cut)).toStrictEqual(expected);
      }
    }
  });
});

test("what a newer server says beside it is left out", () => {
  const writer = new BinaryWriter();
  writer.tag(1_000, WireType.Varint).uint32(7).tag(1_001, WireType.LengthDelimited).string("new").tag(2, WireType.LengthDelimited).string("CNY");
  expect(fromBinary(MoneySchema, writer.finish())).toEqual(create(MoneySchema, { currency: "CNY" }));
  expect(fromJson(RoomSchema, { id: "hill", state: "ROOM_STATE_DREAMING", picture: { of: ["a", "hill"] } })).toEqual(create(RoomSchema, { id: "hill" }));
});

test("concatenated batches are one, and a message in two parts is both", () => {
  const batch = (lines: number) => toBinary(BatchSchema, create(BatchSchema, { publications: [{ body: { case: "skipped", value: { lines } } }] }));
  const { publications } = fromBinary(BatchSchema, new Uint8Array([...batch(1), ...batch(2)]));
  expect(publications.map(({ body }) => body.case === "skipped" && body.value.lines)).toEqual([1, 2]);
  const part = (reply: { id?: number; outcome?: { case: "done"; value: object } }) =>
    toBinary(PublicationSchema, create(PublicationSchema, { body: { case: "reply", value: create(ReplySchema, reply) } }));
  const both = fromBinary(PublicationSchema, new Uint8Array([...part({ id: 3 }), ...part({ outcome: { case: "done", value: {} } })]));
  expect(both.body).toEqual({ case: "reply", value: create(ReplySchema, { id: 3, outcome: { case: "done", value: {} } }) });
});

test("JSON that is not the message is refused", () => {
  for (const [json, why] of [
    [[], "not an object"],
    [{ id: 7 }, "apricot.v1.Room.id: not a string"],
    [{ cards: {} }, "apricot.v1.Room.cards: not a list"],
    [{ version: "-1" }, "is not in 0..=18446744073709551615"],
    [{ version: "" }, "no number"],
    [{ version: 1.5 }, "1.5"],
    [{ state: true }, "no name of a value"],
    [{ chatRules: 1 }, "apricot.v1.ChatRules: not an object"],
  ] as const)
    expect(() => fromJson(RoomSchema, json as never), JSON.stringify(json)).toThrow(why);
  expect(fromJson(RoomSchema, { state: 3, version: "9", title: null }).state).toBe(RoomState.LIVE);
});
