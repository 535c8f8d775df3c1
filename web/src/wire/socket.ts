// One room's socket: joins, asks, keeps alive, and comes back by itself. What the publications mean is decided in room/state.ts.

import type { Problem, StreamPosition } from "../gen/apricot/v1/common_pb";
import {
  BatchSchema,
  ClientMessageSchema,
  JoinSchema,
  PingSchema,
  type ClientMessage,
  type Closing,
  type Publication,
  type Reply,
} from "../gen/apricot/v1/live_pb";
import { afterClose, type Over } from "./closing";
import { openLine } from "./line";
import { create, fromBinary, toBinary } from "./messages";
import { Refused, lost } from "./refused";

export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | { readonly kind: "offline" }
  | { readonly kind: "over"; readonly over: Over };

export type Command = ClientMessage["command"];
export type Outcome = Exclude<Reply["outcome"], { case: "problem" } | { case: undefined }>;

export interface Ears {
  readonly token: () => string;
  readonly position: () => StreamPosition | undefined;
  readonly onLink: (link: Link) => void;
  readonly onPublications: (publications: readonly Publication[]) => void;
  /** A pong: our clock when we asked, the server's, ours now. */
  readonly onPong: (askedMs: number, serverMs: number, nowMs: number) => void;
}

const PING_EVERY_MS = 20_000;
/** Three pings without a word: the path is dead even if the phone doesn't know yet. */
const SILENCE_MAX_MS = 50_000;
const ANSWER_MAX_MS = 12_000;
const CONNECT_MAX_MS = 15_000;
/** A page that is looked at again waits this long for a sign of life before it makes a new line. */
const LOOK_MAX_MS = 5_000;
/** The back-off starts over only after this long, so that a socket that dies at once doesn't hammer the server. */
const STEADY_MS = 10_000;

interface Asked {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (refused: Refused) => void;
  readonly timer: number;
}

export class RoomSocket {
  private socket: WebSocket | undefined;
  private closing: Closing | undefined;
  private attempt = 0;
  private nextId = 1;
  private lastHeardMs = 0;
  private joinedAtMs = 0;
  private link: Link = { kind: "connecting" };
  private readonly asked = new Map<number, Asked>();
  private comeBack = 0;
  private heartbeat = 0;
  private connecting = 0;
  private looking = 0;

  constructor(
    private readonly room: string,
    private readonly ears: Ears,
    /** Opened already, by a page that was in a hurry. The room says nothing on it before it is asked. */
    private opened?: WebSocket,
  ) {}

  start(): void {
    addEventListener("offline", this.wentOffline);
    addEventListener("online", this.cameOnline);
    document.addEventListener("visibilitychange", this.lookedAgain);
    this.connect();
  }

  stop(): void {
    removeEventListener("offline", this.wentOffline);
    removeEventListener("online", this.cameOnline);
    document.removeEventListener("visibilitychange", this.lookedAgain);
    this.drop();
  }

  /** Joins again now: with another token, or because a person asked. */
  restart(): void {
    this.attempt = 0;
    this.drop();
    this.connect();
  }

  /** Sends without wanting an answer; says whether it went out. */
  tell(command: Command): boolean {
    return this.send(0, command);
  }

  ask(command: Command): Promise<Outcome> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => this.answer(id, { lost: true }), ANSWER_MAX_MS);
      this.asked.set(id, { resolve, reject, timer });
      if (this.link.kind !== "live" || !this.send(id, command)) this.answer(id, { lost: true });
    });
  }

  private connect(): void {
    clearTimeout(this.comeBack);
    if (!navigator.onLine) {
      this.say({ kind: "offline" });
      return;
    }
    this.say({ kind: "connecting" });
    const { opened } = this;
    this.opened = undefined;
    const usable = opened !== undefined && opened.readyState <= WebSocket.OPEN;
    const socket = usable ? opened : openLine(this.room);
    this.socket = socket;
    this.closing = undefined;
    this.connecting = window.setTimeout(() => this.lose(socket), CONNECT_MAX_MS);
    socket.onopen = () => this.join();
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => this.hear(socket, event.data);
    socket.onclose = (event) => this.closed(socket, event.code);
    if (socket.readyState === WebSocket.OPEN) this.join();
  }

  private join(): void {
    this.lastHeardMs = Date.now();
    const position = this.ears.position();
    const join = create(JoinSchema, { token: this.ears.token(), ...(position === undefined ? {} : { position }) });
    this.send(0, { case: "join", value: join });
  }

  private hear(socket: WebSocket, data: ArrayBuffer | string): void {
    if (socket !== this.socket) return;
    this.lastHeardMs = Date.now();
    let publications: Publication[];
    try {
      if (typeof data === "string") throw new TypeError("a text frame on a binary subprotocol");
      publications = fromBinary(BatchSchema, new Uint8Array(data)).publications;
    } catch (error) {
      console.error("the room sent something unreadable", error);
      this.lose(socket);
      return;
    }
    // The whole batch is shown at once; answers are given after it, so that who asked sees the state that includes it.
    const answers: Reply[] = [];
    for (const { body } of publications) {
      if (body.case === "closing") this.closing = body.value;
      if (body.case === "reply") answers.push(body.value);
    }
    this.ears.onPublications(publications);
    if (publications.some(({ body }) => body.case === "joined")) this.joined();
    for (const reply of answers) this.reply(reply);
  }

  private joined(): void {
    clearTimeout(this.connecting);
    this.joinedAtMs = Date.now();
    this.say({ kind: "live" });
    this.ping();
    clearInterval(this.heartbeat);
    this.heartbeat = window.setInterval(() => this.beat(), PING_EVERY_MS);
  }

  private beat(): void {
    if (this.socket !== undefined && Date.now() - this.lastHeardMs > SILENCE_MAX_MS) this.lose(this.socket);
    else this.ping();
  }

  private ping(): void {
    this.send(this.nextId++, { case: "ping", value: create(PingSchema, { clientTimeMs: BigInt(Date.now()) }) });
  }

  private reply(reply: Reply): void {
    const { outcome } = reply;
    if (outcome.case === "pong") {
      this.ears.onPong(Number(outcome.value.clientTimeMs), Number(outcome.value.serverTimeMs), Date.now());
    }
    if (outcome.case === undefined) return;
    this.answer(reply.id, outcome.case === "problem" ? { problem: outcome.value } : { outcome });
  }

  private answer(id: number, answer: { outcome: Outcome } | { problem: Problem } | { lost: true }): void {
    const asked = this.asked.get(id);
    if (asked === undefined) return;
    this.asked.delete(id);
    clearTimeout(asked.timer);
    if ("outcome" in answer) asked.resolve(answer.outcome);
    else asked.reject(new Refused("problem" in answer ? answer.problem : lost()));
  }

  private send(id: number, command: Command): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(toBinary(ClientMessageSchema, create(ClientMessageSchema, { id, command })));
    return true;
  }

  /** Gives up a socket without waiting for its close frame, which a dead path never brings. */
  private lose(socket: WebSocket): void {
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.closed(socket, 1006);
  }

  private closed(socket: WebSocket, code: number): void {
    if (socket !== this.socket) return;
    const { closing } = this;
    const steady = this.link.kind === "live" && Date.now() - this.joinedAtMs > STEADY_MS;
    this.drop();
    if (!navigator.onLine) {
      this.say({ kind: "offline" });
      return;
    }
    if (steady) this.attempt = 0;
    const after = afterClose(code, closing, this.attempt++, Math.random());
    if ("over" in after) {
      this.say({ kind: "over", over: after.over });
      return;
    }
    this.say({ kind: "waiting", untilMs: Date.now() + after.waitMs });
    this.comeBack = window.setTimeout(() => this.connect(), after.waitMs);
  }

  private drop(): void {
    clearTimeout(this.comeBack);
    clearTimeout(this.connecting);
    clearTimeout(this.looking);
    clearInterval(this.heartbeat);
    const { socket } = this;
    this.socket = undefined;
    this.closing = undefined;
    if (socket !== undefined) {
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
    }
    for (const id of [...this.asked.keys()]) this.answer(id, { lost: true });
  }

  private say(link: Link): void {
    this.link = link;
    this.ears.onLink(link);
  }

  private readonly wentOffline = (): void => {
    if (this.link.kind === "over") return;
    this.drop();
    this.say({ kind: "offline" });
  };

  private readonly cameOnline = (): void => {
    if (this.link.kind === "offline") this.connect();
  };

  /** A phone that was in a pocket: its line may be dead without its knowing, and its timers slept. Ask at once. */
  private readonly lookedAgain = (): void => {
    if (document.visibilityState !== "visible") return;
    if (this.link.kind === "waiting" && Date.now() >= this.link.untilMs) this.connect();
    const { socket } = this;
    if (this.link.kind !== "live" || socket === undefined) return;
    this.beat();
    const askedMs = Date.now();
    clearTimeout(this.looking);
    this.looking = window.setTimeout(() => {
      if (this.lastHeardMs < askedMs && socket === this.socket) this.lose(socket);
    }, LOOK_MAX_MS);
  };
}
