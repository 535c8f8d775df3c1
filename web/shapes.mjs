#!/usr/bin/env node
// A plugin for buf: writes the messages of the contract as tables that src/wire/messages.ts reads and writes by, with protoc-gen-es's types beside them.
// The tables that protoc-gen-es itself would write are whole descriptors, which a page unpacks before it does anything else: 70 ms of a laptop, and a
// third of a second of a cheap phone.

import { readFileSync } from "node:fs";

import { create, createFileRegistry, fromBinary, ScalarType, toBinary } from "@bufbuild/protobuf";
import { CodeGeneratorRequestSchema, CodeGeneratorResponse_Feature, CodeGeneratorResponseSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** What messages.ts knows; each is a method of BinaryReader and BinaryWriter. */
const SCALARS = new Set(["string", "bool", "uint32", "uint64", "int64", "sint32", "double"]);

function fileOf(file) {
  const others = new Map();
  const local = (desc) => {
    const name = desc.typeName.slice(file.proto.package.length + 1).replaceAll(".", "_");
    if (desc.file !== file) others.set(desc.file, (others.get(desc.file) ?? new Set()).add(`${name}Schema`));
    return name;
  };
  const enums = file.enums.map((desc) => {
    const names = desc.values.map(({ localName, number }) => `${localName}: ${number}`);
    const prefix = (desc.sharedPrefix ?? "").toUpperCase();
    for (const { name, localName } of desc.values) if (prefix + localName !== name) throw new Error(`${desc.typeName}: ${name} is not ${prefix}${localName}`);
    return [
      `export const ${local(desc)} = /*@__PURE__*/ numbered({ ${names.join(", ")} });`,
      `export const ${local(desc)}Schema = /*@__PURE__*/ enumeration(${JSON.stringify(prefix)}, ${local(desc)});`,
    ];
  });
  const messages = file.messages.flatMap(withNested).map((desc) => [
    `export const ${local(desc)}Schema = /*@__PURE__*/ message(${JSON.stringify(desc.typeName)}, () => [`,
    ...desc.fields.map((field) => `  [${fieldOf(field, local).join(", ")}],`),
    "]);",
  ]);
  const imports = [...others].map(([other, names]) => `import { ${[...names].join(", ")} } from "./${other.name.split("/").at(-1)}_pb";`);
  const lines = [`// Made from ${file.proto.name} by shapes.mjs.`, 'import { enumeration, message, numbered } from "../../../wire/shapes";', ...imports, ...enums.flat(), ...messages.flat()];
  return { name: `${file.name}_pb.js`, content: `${lines.join("\n")}\n` };
}

function withNested(desc) {
  return [desc, ...desc.nestedMessages.flatMap(withNested)];
}

/** Number, name, type, and "[]" for a list, "{}" for a map, or the name of its oneof. */
function fieldOf(field, local) {
  const refuse = (why) => new Error(`${field.parent.typeName}.${field.name}: messages.ts knows no ${why}`);
  if (field.jsonName !== field.localName) throw refuse(`name other than ${field.localName} in JSON`);
  if (field.proto.proto3Optional) throw refuse("optional field");
  const { fieldKind } = field;
  if (fieldKind === "map" && field.mapKey !== ScalarType.STRING) throw refuse("map of anything but texts");
  const kind = fieldKind === "list" ? field.listKind : fieldKind === "map" ? field.mapKind : fieldKind;
  const scalar = kind === "scalar" ? ScalarType[field.scalar].toLowerCase() : undefined;
  if (scalar !== undefined && !SCALARS.has(scalar)) throw refuse(scalar);
  const type = scalar === undefined ? `${local(field.message ?? field.enum)}Schema` : JSON.stringify(scalar);
  const shape = fieldKind === "list" ? "[]" : fieldKind === "map" ? "{}" : field.oneof?.localName;
  return [field.number, JSON.stringify(field.localName), type, ...(shape === undefined ? [] : [JSON.stringify(shape)])];
}

const request = fromBinary(CodeGeneratorRequestSchema, readFileSync(0));
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
const response = { supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL), file: [], error: "" };
try {
  response.file = request.fileToGenerate.map((name) => fileOf(registry.getFile(name)));
} catch (error) {
  response.error = String(error);
}
process.stdout.write(toBinary(CodeGeneratorResponseSchema, create(CodeGeneratorResponseSchema, response)));
