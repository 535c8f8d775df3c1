// Something of the server that is read again and again while the page is looked at.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Problem } from "../gen/apricot/v1/common_pb";
import { Refused } from "../wire/refused";

export interface Polled<T> {
  readonly value: T | undefined;
  /** Our clock when it came. */
  readonly readAtMs: number;
  /** Of the last reading; the value of the one before stays. */
  readonly problem: Problem | undefined;
  readonly look: () => void;
}

/** `ask` must be the same function while it asks for the same thing. */
export function usePolled<T>(ask: () => Promise<T>, everyMs: number): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "look">>({ value: undefined, readAtMs: 0, problem: undefined });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    let timer = 0;
    let stopped = false;
    let turn = 0;
    // The next reading is asked for only after the last has come: a slow server is not asked faster.
    const run = async (asked: number): Promise<void> => {
      try {
        if (!document.hidden) {
          const value = await ask();
          if (!stopped && asked === turn) setState({ value, readAtMs: Date.now(), problem: undefined });
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (!stopped && asked === turn) setState((known) => ({ ...known, problem: error.problem }));
      } finally {
        if (!stopped && asked === turn) timer = window.setTimeout(() => void run(asked), everyMs);
      }
    };
    const now = (): void => {
      clearTimeout(timer);
      turn += 1;
      void run(turn);
    };
    const seen = (): void => {
      if (!document.hidden) now();
    };
    again.current = now;
    setState({ value: undefined, readAtMs: 0, problem: undefined });
    now();
    document.addEventListener("visibilitychange", seen);
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [ask, everyMs]);
  const look = useCallback(() => again.current(), []);
  return { ...state, look };
}
