// The contract's messages: made, and read and written as protobuf and as its canonical JSON, by the tables that shapes.mjs generates. It takes and gives
// what @bufbuild/protobuf does, which messages.test.ts compares it with, but starts in no time: that one unpacks whole descriptors first.

import type { DescMessage, JsonObject, JsonValue, MessageInitShape, MessageShape as Shaped } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

import { MessageShape, shapeOf, type EnumShape, type Row, type Scalar } from "./shapes";

/** A message as the tables see it. */
type Fields = Record<string, unknown>;
type OneOf = { case: string; value: unknown } | { case: undefined; value?: undefined };
type Type = Row[2];

/** A new message: what `init` doesn't say is zero, empty or absent. */
export function create<D extends DescMessage>(schema: D, init?: MessageInitShape<D>): Shaped<D> {
  return made(shapeOf(schema), (init ?? {}) as Fields) as Shaped<D>;
}

export function fromBinary<D extends DescMessage>(schema: D, bytes: Uint8Array): Shaped<D> {
  const message = made(shapeOf(schema), {});
  readInto(message, shapeOf(schema), new BinaryReader(bytes), bytes.length);
  return message as Shaped<D>;
}

export function toBinary<D extends DescMessage>(schema: D, message: Shaped<D>): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writeInto(writer, shapeOf(schema), message as Fields);
  return writer.finish();
}

/** Fields and names of values that this page doesn't know come from a newer server, and are left out. */
export function fromJson<D extends DescMessage>(schema: D, json: JsonValue): Shaped<D> {
  return messageOf(shapeOf(schema), json) as Shaped<D>;
}

export function toJson<D extends DescMessage>(schema: D, message: Shaped<D>): JsonObject {
  return jsonOf(shapeOf(schema), message as Fields);
}

function made(shape: MessageShape, init: Fields): Fields {
  const message: Fields = { $typeName: shape.typeName };
  for (const [, name, type, many] of shape.rows) {
    const given = init[many === undefined || many === "[]" || many === "{}" ? name : many];
    if (many === "[]") message[name] = ((given ?? []) as unknown[]).map((item) => valueOf(type, item));
    else if (many === "{}") message[name] = Object.fromEntries(Object.entries((given ?? {}) as Fields).map(([key, item]) => [key, valueOf(type, item)]));
    else if (many !== undefined) {
      const chosen = given as OneOf | undefined;
      if (chosen?.case === name) message[many] = { case: name, value: valueOf(type, chosen.value) };
      else message[many] ??= { case: undefined };
    } else if (given !== undefined) message[name] = valueOf(type, given);
    else if (!(type instanceof MessageShape)) message[name] = zero(type);
  }
  return message;
}

/** A message may be given by some of its fields. */
function valueOf(type: Type, given: unknown): unknown {
  return type instanceof MessageShape && (given as Fields).$typeName === undefined ? made(type, given as Fields) : given;
}

function zero(type: Type): unknown {
  switch (type) {
    case "string":
      return "";
    case "bool":
      return false;
    case "int64":
    case "uint64":
      return 0n;
    default:
      return type instanceof MessageShape ? made(type, {}) : 0;
  }
}

// Protobuf.

const scalarOf = (type: Scalar | EnumShape): Scalar | "int32" => (typeof type === "string" ? type : "int32");

function wireTypeOf(type: Type): WireType {
  if (type instanceof MessageShape || type === "string") return WireType.LengthDelimited;
  return type === "double" ? WireType.Bit64 : WireType.Varint;
}

function readInto(message: Fields, shape: MessageShape, reader: BinaryReader, end: number): void {
  while (reader.pos < end) {
    const [no, wire] = reader.tag();
    const row = shape.row(no);
    if (row === undefined) {
      reader.skip(wire, no);
      continue;
    }
    const [, name, type, many] = row;
    if (many === "{}") readEntry(message[name] as Fields, type, reader);
    else if (many === "[]") {
      const list = message[name] as unknown[];
      const packed = wire === WireType.LengthDelimited && wireTypeOf(type) !== WireType.LengthDelimited;
      const listEnd = packed ? reader.uint32() + reader.pos : 0;
      do list.push(readValue(type, reader, undefined));
      while (packed && reader.pos < listEnd);
    } else if (many !== undefined) {
      const chosen = message[many] as OneOf;
      message[many] = { case: name, value: readValue(type, reader, chosen.case === name ? chosen.value : undefined) };
    } else message[name] = readValue(type, reader, message[name]);
  }
  if (reader.pos !== end) throw new RangeError(`${shape.typeName}: ends inside a field`);
}

/** A message that comes in two parts is both of them: `known` is the first. */
function readValue(type: Type, reader: BinaryReader, known: unknown): unknown {
  if (!(type instanceof MessageShape)) return reader[scalarOf(type)]();
  const message = (known ?? made(type, {})) as Fields;
  const length = reader.uint32();
  readInto(message, type, reader, reader.pos + length);
  return message;
}

function readEntry(map: Fields, type: Type, reader: BinaryReader): void {
  const end = reader.uint32() + reader.pos;
  let key = "";
  let value: unknown;
  while (reader.pos < end) {
    const [no, wire] = reader.tag();
    if (no === 1) key = reader.string();
    else if (no === 2) value = readValue(type, reader, value);
    else reader.skip(wire, no);
  }
  map[key] = value ?? zero(type);
}

function writeInto(writer: BinaryWriter, shape: MessageShape, message: Fields): void {
  for (const [no, name, type, many] of shape.rows) {
    if (many === "{}") {
      for (const [key, item] of Object.entries(message[name] as Fields)) {
        writer.tag(no, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(key);
        writeValue(writer, 2, type, item);
        writer.join();
      }
    } else if (many === "[]") writeList(writer, no, type, message[name] as unknown[]);
    else if (many !== undefined) {
      const chosen = message[many] as OneOf;
      if (chosen.case === name) writeValue(writer, no, type, chosen.value);
    } else if (isSaid(type, message[name])) writeValue(writer, no, type, message[name]);
  }
}

/** Numbers are packed. */
function writeList(writer: BinaryWriter, no: number, type: Type, list: readonly unknown[]): void {
  if (list.length === 0) return;
  if (type instanceof MessageShape || type === "string") {
    for (const item of list) writeValue(writer, no, type, item);
    return;
  }
  writer.tag(no, WireType.LengthDelimited).fork();
  for (const item of list) writeScalar(writer, type, item);
  writer.join();
}

function writeValue(writer: BinaryWriter, no: number, type: Type, value: unknown): void {
  writer.tag(no, wireTypeOf(type));
  if (!(type instanceof MessageShape)) {
    writeScalar(writer, type, value);
    return;
  }
  writer.fork();
  writeInto(writer, type, value as Fields);
  writer.join();
}

function writeScalar(writer: BinaryWriter, type: Scalar | EnumShape, value: unknown): void {
  (writer[scalarOf(type)] as (value: unknown) => void).call(writer, value);
}

/** A zero goes without saying. */
function isSaid(type: Type, value: unknown): boolean {
  return value !== undefined && (type instanceof MessageShape || value !== zero(type));
}

// Canonical JSON.

function jsonOf(shape: MessageShape, message: Fields): JsonObject {
  const json: JsonObject = {};
  for (const [, name, type, many] of shape.rows) {
    if (many === "[]") {
      const list = message[name] as unknown[];
      if (list.length > 0) json[name] = list.map((item) => jsonValue(type, item));
    } else if (many === "{}") {
      const entries = Object.entries(message[name] as Fields);
      if (entries.length > 0) json[name] = Object.fromEntries(entries.map(([key, item]) => [key, jsonValue(type, item)]));
    } else if (many !== undefined) {
      const chosen = message[many] as OneOf;
      if (chosen.case === name) json[name] = jsonValue(type, chosen.value);
    } else if (isSaid(type, message[name])) json[name] = jsonValue(type, message[name]);
  }
  return json;
}

function jsonValue(type: Type, value: unknown): JsonValue {
  if (type instanceof MessageShape) return jsonOf(type, value as Fields);
  if (typeof type === "object") {
    const name = type.values[value as number];
    return name === undefined ? (value as number) : `${type.prefix}${name}`;
  }
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) return String(value);
  return value as JsonValue;
}

function messageOf(shape: MessageShape, json: JsonValue): Fields {
  if (!isObject(json)) throw new TypeError(`${shape.typeName}: not an object`);
  const message = made(shape, {});
  for (const [, name, type, many] of shape.rows) {
    const value = json[name];
    if (value === undefined || value === null) continue;
    const read = (one: JsonValue): unknown => fromJsonValue(type, one, `${shape.typeName}.${name}`);
    if (many === "[]") {
      if (!Array.isArray(value)) throw new TypeError(`${shape.typeName}.${name}: not a list`);
      message[name] = value.map(read).filter((item) => item !== undefined);
    } else if (many === "{}") {
      if (!isObject(value)) throw new TypeError(`${shape.typeName}.${name}: not an object`);
      message[name] = Object.fromEntries(
        Object.entries(value)
          .map(([key, item]) => [key, read(item)])
          .filter(([, item]) => item !== undefined),
      );
    } else {
      const one = read(value);
      if (one === undefined) continue;
      if (many === undefined) message[name] = one;
      else message[many] = { case: name, value: one };
    }
  }
  return message;
}

const WHOLE: Partial<Record<Scalar, readonly [bigint, bigint]>> = {
  uint32: [0n, 2n ** 32n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** Undefined: a value of an enum whose name this page doesn't know. */
function fromJsonValue(type: Type, json: JsonValue, what: string): unknown {
  if (type instanceof MessageShape) return messageOf(type, json);
  if (typeof type === "object") {
    if (typeof json === "number" && Number.isInteger(json)) return json;
    if (typeof json !== "string") throw new TypeError(`${what}: no name of a value`);
    const no = json.startsWith(type.prefix) ? type.values[json.slice(type.prefix.length)] : undefined;
    return typeof no === "number" ? no : undefined;
  }
  const bounds = WHOLE[type];
  if (bounds !== undefined) {
    // BigInt refuses what is no whole number, but takes "" and true.
    if (typeof json !== "number" && !(typeof json === "string" && /^-?\d+$/.test(json))) throw new TypeError(`${what}: no number`);
    const no = BigInt(json);
    if (no < bounds[0] || no > bounds[1]) throw new RangeError(`${what}: ${no} is not in ${bounds[0]}..=${bounds[1]}`);
    return type === "uint32" || type === "sint32" ? Number(no) : no;
  }
  if (type === "double" && typeof json === "string" && /^(NaN|-?Infinity)$/.test(json)) return Number(json);
  if (typeof json !== (type === "double" ? "number" : type === "bool" ? "boolean" : "string")) throw new TypeError(`${what}: not a ${type}`);
  return json;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
