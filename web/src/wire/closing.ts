// The close code table of docs/api.md, and how long to stay away.

import type { Closing } from "../gen/apricot/v1/live_pb";

/** `hidden`: of those that are not let in, who only has to wait, because the host rehearses. The code does not tell them apart. */
export type Over = "token" | "banned" | "hidden" | "missing" | "ended" | "outdated" | "other";

type Rule = { readonly back: true; readonly atLeastMs: number } | { readonly back: false; readonly over: Over };

const RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [1000, { back: true, atLeastMs: 0 }],
  [1001, { back: true, atLeastMs: 0 }], // draining
  [1002, { back: false, over: "outdated" }], // protocol error
  [1003, { back: false, over: "outdated" }], // unknown subprotocol or message kind
  [1007, { back: false, over: "outdated" }], // our text was not UTF-8
  [1009, { back: false, over: "outdated" }], // our message was larger than 16 KiB
  [4000, { back: true, atLeastMs: 0 }], // join timeout
  [4001, { back: false, over: "token" }],
  [4003, { back: false, over: "banned" }],
  [4004, { back: false, over: "missing" }],
  [4008, { back: true, atLeastMs: 0 }], // too slow for the critical lane
  [4009, { back: true, atLeastMs: 30_000 }], // too many messages
  [4010, { back: false, over: "ended" }],
  [4013, { back: true, atLeastMs: 1_000 }], // full
  [4014, { back: true, atLeastMs: 0 }], // no sign of life
]);

const LOST: Rule = { back: true, atLeastMs: 0 };
export const BACK_OFF_FIRST_MS = 500;
export const BACK_OFF_MAX_MS = 20_000;

export type AfterClose = { readonly waitMs: number } | { readonly over: Over };

/**
 * Decides what a closed socket means. `attempt` counts from 0 since the room was last steadily live;
 * `chance` is in 0..1. The whole span is jittered so that a room of thousands doesn't come back at one instant.
 */
export function afterClose(
  code: number,
  closing: Pick<Closing, "code" | "retryAfterMs"> | undefined,
  attempt: number,
  chance: number,
): AfterClose {
  const rule = RULES.get(code) ?? RULES.get(closing?.code ?? 0) ?? LOST;
  if (!rule.back) return { over: rule.over };
  // The server said good-bye in words: 0 means stay away.
  if (closing !== undefined && closing.retryAfterMs === 0) return { over: "other" };
  const span = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  const asked = Math.max(rule.atLeastMs, closing?.retryAfterMs ?? 0);
  return { waitMs: Math.round(asked + chance * span) };
}
