// As much of protobuf's wire format as these tests need: messages with fields by number, written by hand from proto/apricot/v1/live.proto.

/** Field numbers, and what is inside a message. `string`, `number` and `long` are values. */
const POSITION = { epoch: [1, "long"], offset: [2, "long"] };
const CLIENT_MESSAGE = {
  id: [1, "number"],
  join: [2, { token: [1, "string"], position: [2, POSITION] }],
  say: [3, { text: [1, "string"] }],
  ping: [9, { clientTimeMs: [1, "long"] }],
};
const PROBLEM = { type: [1, "string"] };
const PUBLICATION = {
  offset: [2, "long"],
  reply: [10, { id: [1, "number"], done: [2, {}], problem: [3, PROBLEM], pong: [5, { clientTimeMs: [1, "long"] }] }],
  joined: [11, { position: [1, POSITION], recovered: [2, "truth"], subject: [7, "string"], role: [8, "string"] }],
  notice: [22, { id: [1, "string"], text: [2, "string"] }],
  chat: [40, { id: [1, "string"], authorId: [2, "string"], text: [5, "string"] }],
};

const VARINT = 0n;
const FIXED_64 = 1n;
const BYTES = 2n;
const FIXED_32 = 5n;

export function encoded(message) {
  return write(message, CLIENT_MESSAGE);
}

/** The publications of a Batch. */
export function decoded(data) {
  return [...fields(data)].map(([, bytes]) => read(bytes, PUBLICATION));
}

function write(message, shape) {
  const parts = [];
  for (const [name, value] of Object.entries(message)) {
    if (value === undefined) continue;
    const [number, kind] = shape[name];
    if (kind === "number" || kind === "long") {
      parts.push(varint((BigInt(number) << 3n) | VARINT), varint(BigInt(value)));
    } else {
      const bytes = kind === "string" ? Buffer.from(value) : write(value, kind);
      parts.push(varint((BigInt(number) << 3n) | BYTES), varint(BigInt(bytes.length)), bytes);
    }
  }
  return Buffer.concat(parts);
}

function read(bytes, shape) {
  const names = new Map(Object.entries(shape).map(([name, [number, kind]]) => [number, [name, kind]]));
  const message = {};
  for (const [number, value] of fields(bytes)) {
    const [name, kind] = names.get(number) ?? [];
    if (name === undefined) continue;
    if (kind === "number") message[name] = Number(value);
    else if (kind === "long") message[name] = String(value);
    else if (kind === "truth") message[name] = value === 1n;
    else if (kind === "string") message[name] = value.toString("utf8");
    else message[name] = read(value, kind);
  }
  return message;
}

function* fields(bytes) {
  let at = 0;
  const next = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("protobuf ends too early");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const skip = (count) => bytes.subarray(at, (at += count));
  while (at < bytes.length) {
    const tag = next();
    const kind = tag & 7n;
    let value;
    if (kind === VARINT) value = next();
    else if (kind === BYTES) value = skip(Number(next()));
    else if (kind === FIXED_64) value = skip(8);
    else if (kind === FIXED_32) value = skip(4);
    else throw new Error(`protobuf has no wire type ${kind}`);
    yield [Number(tag >> 3n), value];
  }
}

function varint(value) {
  const bytes = [];
  for (; value > 0x7fn; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(value)]);
}
