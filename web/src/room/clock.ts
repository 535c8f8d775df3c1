// The server's clock as this device can best tell it.

export interface Clock {
  /** Add to the device's time to get the server's. */
  readonly skewMs: number;
  /** Half the round trip of the sample that set it: how wrong it can be. */
  readonly doubtMs: number;
}

export const UNSET: Clock = { skewMs: 0, doubtMs: Number.POSITIVE_INFINITY };
/** Doubt grows so that an old sharp sample gives way: phones drift, and laptops sleep. */
const DOUBT_GROWS_MS = 20;

/** A reading without a question (Joined, LiveState): its delay is unknown, so only good until a pong comes. */
export function glanced(clock: Clock, serverMs: number, nowMs: number): Clock {
  return clock.doubtMs === Number.POSITIVE_INFINITY && serverMs > 0 ? { skewMs: serverMs - nowMs, doubtMs: 5_000 } : clock;
}

export function ponged(clock: Clock, askedMs: number, serverMs: number, nowMs: number): Clock {
  const doubtMs = (nowMs - askedMs) / 2;
  if (doubtMs < 0 || serverMs <= 0) return clock;
  if (doubtMs > clock.doubtMs + DOUBT_GROWS_MS) return { ...clock, doubtMs: clock.doubtMs + DOUBT_GROWS_MS };
  return { skewMs: Math.round(serverMs - (askedMs + nowMs) / 2), doubtMs };
}
