// A live room on a server of the test's own, and what each client needs to know of it.

import { once } from "node:events";
import { request } from "node:http";
import { spawn } from "node:child_process";

import { Server } from "../browser/server.mjs";

export const ROOM = "hillside";
export const JSON_PROTOCOL = "apricot.v1.json";
export const PROTO_PROTOCOL = "apricot.v1.proto";

export class LiveRoom {
  static async start() {
    // The same person talks in every test; rates have tests of their own.
    const server = await Server.start({ env: { APRICOT_LIMITS__RATES: "false" } });
    try {
      const [host, viewer] = await Promise.all([server.token("host", "lin", "老林"), server.token("viewer", "mei", "小梅")]);
      await server.call("POST", "/v1/rooms", host, { id: ROOM, title: "山坡上的核桃", hostName: "老林", place: "云南 漾濞" });
      await server.call("POST", `/v1/rooms/${ROOM}/state`, host, { state: "ROOM_STATE_LIVE" });
      return new LiveRoom(server, host, viewer);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  constructor(server, host, viewer) {
    const path = `/v1/rooms/${ROOM}/live`;
    Object.assign(this, { server, host, viewer, path, address: `ws://${server.address}${path}` });
  }

  post(text) {
    return this.server.call("POST", `/v1/rooms/${ROOM}/notices`, this.host, { text });
  }

  /** The answer to an opening handshake, without being a WebSocket client. */
  async handshake(headers) {
    const asked = request(`http://${this.server.address}${this.path}`, {
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        "sec-websocket-protocol": JSON_PROTOCOL,
        ...headers,
      },
    });
    asked.end();
    const [response, socket] = await once(asked, "upgrade");
    socket.destroy();
    return response.headers;
  }

  /** Why there is nothing to test about compression, or false. */
  async doesNotCompress() {
    const agreed = await this.handshake({ "sec-websocket-extensions": "permessage-deflate" });
    return agreed["sec-websocket-extensions"] === undefined ? "the server does not compress" : false;
  }

  stop() {
    return this.server.stop();
  }
}

/** Runs a program to its end. `missing`: it is not there. */
export async function run(program, args, input = "") {
  const child = spawn(program, args, { stdio: "pipe" });
  child.stdin.on("error", () => undefined).end(input);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) child[stream].setEncoding("utf8").on("data", (part) => (said[stream] += part));
  try {
    const [code] = await once(child, "close");
    return { ...said, code, missing: false };
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return { ...said, code: undefined, missing: true };
  }
}

/** A reason to skip; where everything must be there, a failure. */
export function skip(reason) {
  if (process.env.CI === "true") throw new Error(reason);
  return reason;
}
