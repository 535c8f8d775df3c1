// How the generated tables (shapes.mjs) describe the contract's messages: nothing is computed before a message of a kind is read or made.

import type { DescMessage } from "@bufbuild/protobuf";

/** Each is a method of BinaryReader and of BinaryWriter. */
export type Scalar = "string" | "bool" | "uint32" | "uint64" | "int64" | "sint32" | "double";

/** Number, name in messages and in JSON, type, and "[]" for a list, "{}" for a map by texts, or the name of the oneof that it belongs to. */
export type Row = readonly [no: number, name: string, type: Scalar | MessageShape | EnumShape, many?: string];

export interface EnumShape {
  /** What a value's name in JSON has before its name here. */
  readonly prefix: string;
  readonly values: Readonly<Record<string, string | number>>;
}

export class MessageShape {
  private known: readonly Row[] | undefined;
  private byNumber: ReadonlyMap<number, Row> | undefined;

  constructor(
    readonly typeName: string,
    private readonly rowsOf: () => readonly Row[],
  ) {}

  get rows(): readonly Row[] {
    return (this.known ??= this.rowsOf());
  }

  row(no: number): Row | undefined {
    this.byNumber ??= new Map(this.rows.map((row) => [row[0], row]));
    return this.byNumber.get(no);
  }
}

export const message = (typeName: string, rows: () => readonly Row[]): MessageShape => new MessageShape(typeName, rows);
export const enumeration = (prefix: string, values: EnumShape["values"]): EnumShape => ({ prefix, values });

/** What TypeScript makes of an enum: names to numbers and back. */
export function numbered(values: Readonly<Record<string, number>>): EnumShape["values"] {
  const both: Record<string, string | number> = { ...values };
  for (const [name, no] of Object.entries(values)) both[no] = name;
  return both;
}

/** The table that stands behind a generated schema's type. */
export function shapeOf(schema: DescMessage): MessageShape {
  return schema as unknown as MessageShape;
}
