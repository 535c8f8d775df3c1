// A room's line as it is first opened: before there is anything that speaks on it, because its way takes long.

export const SUBPROTOCOL = "apricot.v1.proto";

export function openLine(room: string): WebSocket {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const line = new WebSocket(`${scheme}//${location.host}/v1/rooms/${room}/live`, SUBPROTOCOL);
  line.binaryType = "arraybuffer";
  return line;
}
