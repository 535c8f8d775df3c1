// Python's usual WebSocket library, in an environment that is thrown away.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LiveRoom, ROOM, run, skip } from "./room.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

describe("websockets of Python", () => {
  let room;
  let folder;
  let missing;
  let python;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "apricot-python-"));
    missing = await install(folder);
    if (missing) return;
    python = join(folder, "bin", "python");
    room = await LiveRoom.start();
  });
  after(async () => {
    await room?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("a guest watches, a viewer talks, and what was missed comes once", async (context) => {
    if (missing) return context.skip(missing);
    const told = {
      address: room.address,
      notices: `${room.server.base}/v1/rooms/${ROOM}/notices`,
      host: room.host,
      viewer: room.viewer,
      extensions: (await room.doesNotCompress()) ? [] : ["permessage-deflate"],
    };
    const { code, stderr } = await run(python, [here("websockets_client.py")], JSON.stringify(told));
    assert.equal(code, 0, stderr);
  });
});

/** Why it can't be had, or undefined. */
async function install(folder) {
  const made = await run("python3", ["-m", "venv", folder]);
  if (made.missing) return skip("no python3; on Debian: apt-get install python3 python3-venv");
  if (made.code !== 0) return skip(`python3 cannot make an environment; on Debian: apt-get install python3-venv\n${made.stdout}`);
  const installed = await run(join(folder, "bin", "python"), ["-m", "pip", "install", "--quiet", "-r", here("requirements.txt")]);
  return installed.code === 0 ? undefined : skip(`pip could not install websockets:\n${installed.stderr}`);
}
