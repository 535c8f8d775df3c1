// Node's usual WebSocket library, with compression and without.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";

import { WebSocket } from "ws";

import { JSON_PROTOCOL, LiveRoom, PROTO_PROTOCOL } from "./room.mjs";
import { decoded, encoded } from "./proto.mjs";

const TOO_LONG_MS = 15_000;
const FORMATS = {
  [JSON_PROTOCOL]: {
    encode: (message) => JSON.stringify(message),
    decode: (data) => data.toString("utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)),
    binary: false,
  },
  [PROTO_PROTOCOL]: { encode: encoded, decode: decoded, binary: true },
};

/** One connection, and what was heard on it in order. */
class Client {
  static async open(address, protocol, perMessageDeflate) {
    const client = new Client(new WebSocket(address, [protocol], { perMessageDeflate }), protocol);
    await once(client.socket, "open");
    assert.equal(client.socket.protocol, protocol);
    return client;
  }

  constructor(socket, protocol) {
    Object.assign(this, { socket, format: FORMATS[protocol], heard: [], wake: () => undefined, offset: 0n });
    socket.on("message", (data, binary) => {
      assert.equal(binary, this.format.binary);
      this.heard.push(...this.format.decode(data));
      this.wake();
    });
    socket.on("close", () => this.wake());
  }

  send(message) {
    this.socket.send(this.format.encode(message));
  }

  /** The first publication that `wanted` likes; those before it are dropped, and noted as seen. */
  async until(wanted, what) {
    let late = false;
    const timer = setTimeout(() => ((late = true), this.wake()), TOO_LONG_MS);
    try {
      for (;;) {
        while (this.heard.length > 0) {
          const publication = this.heard.shift();
          if (publication.offset !== undefined) this.offset = BigInt(publication.offset);
          if (wanted(publication)) return publication;
        }
        if (late || this.socket.readyState === WebSocket.CLOSED) throw new Error(`${what} never came`);
        await new Promise((resolve) => (this.wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async reply(id) {
    return (await this.until(({ reply }) => reply?.id === id, `a reply to ${id}`)).reply;
  }

  async join({ token, position } = {}) {
    this.send({ id: 1, join: { token, position } });
    const { joined } = await this.until(({ joined }) => joined, "joined");
    this.epoch = joined.position.epoch;
    this.offset = BigInt(joined.position.offset ?? 0);
    assert.deepEqual((await this.reply(1)).done, {});
    return joined;
  }

  get position() {
    return { epoch: this.epoch, offset: String(this.offset) };
  }

  async pinged(payload) {
    this.socket.ping(payload);
    const [pong] = await once(this.socket, "pong");
    return pong.toString();
  }

  async close() {
    this.socket.close(1000, "bye");
    const [code] = await once(this.socket, "close");
    return code;
  }
}

describe("ws", () => {
  let room;
  let doesNotCompress;
  before(async () => {
    room = await LiveRoom.start();
    doesNotCompress = await room.doesNotCompress();
  });
  after(() => room?.stop());

  for (const protocol of [JSON_PROTOCOL, PROTO_PROTOCOL]) {
    for (const compress of [false, true]) {
      const how = `${protocol} ${compress ? "with" : "without"} permessage-deflate`;
      // Small messages are worth compressing here: the point is that they are read.
      const deflate = compress && { threshold: 0 };
      const open = () => Client.open(room.address, protocol, deflate);
      const checked = (context) => {
        if (compress && doesNotCompress) context.skip(doesNotCompress);
        return !(compress && doesNotCompress);
      };

      test(`${how}: a guest watches, is told to get a token, and goes`, async (context) => {
        if (!checked(context)) return;
        const guest = await open();
        assert.equal(guest.socket.extensions, compress ? "permessage-deflate" : "");
        assert.equal((await guest.join()).role, "guest");
        guest.send({ id: 2, say: { text: "hello" } });
        assert.equal((await guest.reply(2)).problem.type, "token-required");
        assert.equal(await guest.pinged("杏"), "杏");
        assert.equal(await guest.close(), 1000);
      });

      test(`${how}: a viewer talks, and what was missed comes once`, async (context) => {
        if (!checked(context)) return;
        const mei = await open();
        assert.equal((await mei.join({ token: room.viewer })).subject, "mei");
        const said = `新鲜吗？ ${how}`;
        mei.send({ id: 2, say: { text: said } });
        const own = await mei.until(({ reply, chat }) => chat?.text === said || reply?.problem, "the line");
        assert.equal(own.chat?.authorId, "mei", JSON.stringify(own));
        mei.send({ id: 3, ping: { clientTimeMs: "12" } });
        assert.equal((await mei.reply(3)).pong.clientTimeMs, "12");
        const { position } = mei;
        assert.equal(await mei.close(), 1000);

        const missed = `missed, ${how}`;
        await room.post(missed);
        const again = await open();
        assert.equal((await again.join({ token: room.viewer, position })).recovered, true);
        // What it missed stands before what comes now.
        const present = `present, ${how}`;
        await room.post(present);
        const notices = [];
        await again.until(({ notice }) => {
          if (notice) notices.push(notice.text);
          return notice?.text === present;
        }, "the notice after it");
        assert.deepEqual(notices, [missed, present]);
        assert.equal(await again.close(), 1000);
      });
    }
  }

  test("a long chat is the same with compression and without", async (context) => {
    if (doesNotCompress) return context.skip(doesNotCompress);
    const readers = await Promise.all([false, { threshold: 0 }].map((deflate) => Client.open(room.address, JSON_PROTOCOL, deflate)));
    await Promise.all(readers.map((reader) => reader.join()));
    const texts = Array.from({ length: 50 }, (_, number) => `${number} ${"薄皮核桃，今年的新货。".repeat(12)}`);
    for (const text of texts) await room.post(text);
    for (const reader of readers) {
      for (const text of texts) assert.equal((await reader.until(({ notice }) => notice, "a notice")).notice.text, text);
      assert.equal(await reader.close(), 1000);
    }
  });
});
