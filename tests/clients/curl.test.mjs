// curl: REST, the opening handshake by hand, and ws:// where it was built with it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { JSON_PROTOCOL, LiveRoom, ROOM, run, skip } from "./room.mjs";

const COMMON = ["--noproxy", "*", "--http1.1", "--silent", "--show-error"];
/** curl's code for a time that ran out: a socket stays open, so that is how its handshake ends. */
const TIMED_OUT = 28;

describe("curl", () => {
  let room;
  let missing;
  let protocols = [];
  before(async () => {
    const { stdout, missing: none } = await run("curl", ["--version"]);
    if (none) return (missing = skip("no curl; on Debian: apt-get install curl"));
    protocols = /^Protocols: (.*)$/m.exec(stdout)?.[1].split(" ") ?? [];
    room = await LiveRoom.start();
  });
  after(() => room?.stop());

  const curl = (...args) => run("curl", [...COMMON, ...args]);
  const header = (...lines) => lines.flatMap((line) => ["--header", line]);

  test("asks for the room and posts a notice", async (context) => {
    if (missing) return context.skip(missing);
    const { stdout } = await curl(`${room.server.base}/v1/rooms/${ROOM}`);
    assert.equal(JSON.parse(stdout).state, "ROOM_STATE_LIVE");
    const notices = `${room.server.base}/v1/rooms/${ROOM}/notices`;
    const told = header("content-type: application/json");
    const posted = await curl(...told, ...header(`authorization: Bearer ${room.host}`), "--data", '{"text":"五分钟后开始"}', notices);
    assert.equal(JSON.parse(posted.stdout).text, "五分钟后开始");
    const refused = await curl("--include", ...told, "--data", '{"text":"x"}', notices);
    assert.match(refused.stdout, /^HTTP\/1\.1 401 /);
    assert.match(refused.stdout, /application\/problem\+json/);
  });

  test("shakes hands", async (context) => {
    if (missing) return context.skip(missing);
    const upgrade = header(
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      `Sec-WebSocket-Protocol: ${JSON_PROTOCOL}`,
    );
    const { code, stdout, stderr } = await curl("--include", "--no-buffer", "--max-time", "1", ...upgrade, room.server.base + room.path);
    assert.equal(code, TIMED_OUT, stderr);
    assert.match(stdout, /^HTTP\/1\.1 101 /);
    // The example of RFC 6455 1.3.
    assert.match(stdout, /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/im);
    assert.match(stdout, /^sec-websocket-protocol: apricot\.v1\.json\r$/im);
  });

  test("reads ws://", async (context) => {
    if (missing) return context.skip(missing);
    // Whether a build has it is not ours to demand.
    if (!protocols.includes("ws")) return context.skip("this curl is built without ws");
    const address = `ws://${room.server.address}/v1/rooms/NOT%20AN%20ID/live`;
    const { stdout } = await curl("--no-buffer", "--max-time", "5", ...header(`Sec-WebSocket-Protocol: ${JSON_PROTOCOL}`), address);
    const [said] = stdout.split("\n");
    assert.equal(JSON.parse(said).closing.code, 4004);
  });
});
