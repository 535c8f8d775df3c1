// The feed: a reading of each node each second over the room `ops`, and the history for what was before. One for the page.

import { useEffect, useReducer } from "preact/hooks";

import type { StreamPosition } from "../gen/apricot/v1/common_pb";
import { Lane } from "../gen/apricot/v1/common_pb";
import type { Publication } from "../gen/apricot/v1/live_pb";
import { OpsHistorySchema, type OpsAlert, type OpsReading } from "../gen/apricot/v1/ops_pb";
import { token } from "../wire/address";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";
import { RoomSocket, type Link } from "../wire/socket";
import { Board } from "./board";

export const RANGES = ["live", "hour", "sixHours", "day"] as const;
export type Range = (typeof RANGES)[number];

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
/** Step and number of points of what is drawn. */
const SHAPES: Record<Range, { readonly stepMs: number; readonly points: number }> = {
  live: { stepMs: SECOND_MS, points: 600 },
  hour: { stepMs: 10 * SECOND_MS, points: 360 },
  sixHours: { stepMs: MINUTE_MS, points: 360 },
  day: { stepMs: 3 * MINUTE_MS, points: 480 },
};
/** Nodes say something each second; after this nobody may believe the numbers any more. */
export const STALLED_MS = 4_000;
/** An alert is told again each second for as long as it lasts. */
const ALERT_LASTS_MS = 6_000;

export interface RaisedAlert {
  readonly alert: OpsAlert;
  readonly nodes: readonly string[];
}

export class Feed {
  link: Link = { kind: "connecting" };
  /** Our clock when the last reading came. */
  heardAtMs = 0;
  /** The server's clock less ours. */
  skewMs = 0;
  private position: StreamPosition | undefined;
  private readonly boards = new Map<Range, Board>();
  private readonly fetchedAtMs = new Map<Range, number>();
  private readonly newest = new Map<string, OpsReading>();
  private readonly listeners = new Set<() => void>();
  private readonly socket: RoomSocket;
  private readonly openedAtMs = Date.now();

  constructor() {
    this.socket = new RoomSocket("ops", {
      token,
      position: () => this.position,
      onLink: (link) => {
        const back = link.kind === "live" && this.link.kind !== "live";
        this.link = link;
        // What was said while the line was cut and is not played back any more.
        if (back) void this.fetch("live", true);
        this.changed();
      },
      onPublications: (publications) => {
        for (const publication of publications) this.hear(publication);
        this.changed();
      },
      onPong: (askedMs, serverMs, nowMs) => {
        this.skewMs = Math.round(serverMs - (askedMs + nowMs) / 2);
      },
    });
  }

  start(): () => void {
    this.socket.start();
    return () => this.socket.stop();
  }

  comeBackNow(): void {
    this.socket.restart();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  board(range: Range): Board {
    const known = this.boards.get(range);
    if (known !== undefined) return known;
    const { stepMs, points } = SHAPES[range];
    const made = new Board(stepMs, points);
    this.boards.set(range, made);
    return made;
  }

  get serverMs(): number {
    return Date.now() + this.skewMs;
  }

  /** Where the charts end: a second behind, so that the newest reading of every node has come. */
  endMs(range: Range): number {
    const { stepMs } = SHAPES[range];
    return Math.floor((this.serverMs - SECOND_MS / 2) / stepMs) * stepMs;
  }

  /** How long nothing was heard. */
  silentMs(nowMs: number): number {
    return nowMs - (this.heardAtMs === 0 ? this.openedAtMs : this.heardAtMs);
  }

  newestOf(node: string): OpsReading | undefined {
    return this.newest.get(node);
  }

  /** What the nodes raise now, the gravest first, each once with the nodes that say it. */
  alerts(): readonly RaisedAlert[] {
    const raised = new Map<string, { alert: OpsAlert; nodes: string[] }>();
    const sinceMs = this.serverMs - ALERT_LASTS_MS;
    for (const [node, reading] of this.newest) {
      if (Number(reading.atMs) < sinceMs) continue;
      for (const alert of reading.alerts) {
        const key = `${alert.kind}/${alert.about}`;
        const known = raised.get(key);
        if (known === undefined) raised.set(key, { alert, nodes: [node] });
        else {
          known.nodes.push(node);
          if (alert.value > known.alert.value) known.alert = alert;
        }
      }
    }
    return [...raised.values()].sort((a, b) => b.alert.severity - a.alert.severity || Number(a.alert.sinceMs - b.alert.sinceMs));
  }

  /** Fills a board from the record, at most once in a step of it. */
  async fetch(range: Range, now = false): Promise<void> {
    const { stepMs, points } = SHAPES[range];
    const lately = Date.now() - (this.fetchedAtMs.get(range) ?? 0) < Math.max(stepMs, 10 * SECOND_MS);
    if (lately && !now) return;
    this.fetchedAtMs.set(range, Date.now());
    try {
      const toMs = this.serverMs;
      const query = { fromMs: toMs - stepMs * points, toMs, points };
      const history = await read("/v1/ops/history", {}, OpsHistorySchema, query);
      const board = this.board(range);
      for (const reading of history.readings) board.take(reading, false);
      this.changed();
    } catch (error) {
      // The feed goes on without it, and says by itself when nothing comes; asked again at the next step.
      if (!(error instanceof Refused)) throw error;
    }
  }

  private hear({ body, offset, lane }: Publication): void {
    if (body.case === "joined") {
      this.position = body.value.position;
      if (this.skewMs === 0) this.skewMs = Number(body.value.serverTimeMs) - Date.now();
      return;
    }
    if (lane === Lane.CRITICAL && offset > 0n && this.position !== undefined) {
      if (offset <= this.position.offset) return;
      this.position = { ...this.position, offset };
    }
    if (body.case !== "opsReading") return;
    const reading = body.value;
    this.board("live").take(reading, true);
    const before = this.newest.get(reading.node);
    if (before === undefined || before.atMs < reading.atMs) this.newest.set(reading.node, reading);
    // Played back readings are not news of now.
    if (this.serverMs - Number(reading.atMs) < STALLED_MS) this.heardAtMs = Date.now();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Draws again when the feed says something: once a second for each node. */
export function useFeed(feed: Feed): Feed {
  const [, draw] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => feed.subscribe(() => draw()), [feed]);
  return feed;
}
