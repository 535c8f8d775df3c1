// A list of the record, newest first: the first page is read again as it grows, more of it when somebody asks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Problem } from "../gen/apricot/v1/common_pb";
import { Refused } from "../wire/refused";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string;
}

export interface Paged<T> {
  readonly items: readonly T[] | undefined;
  readonly problem: Problem | undefined;
  readonly more: (() => void) | undefined;
  readonly look: () => void;
}

/** Somebody who reads further looks for one thing, which has a field of its own. */
const ITEMS_MAX = 1_000;

/** `ask` must be the same function while it asks for the same list. */
export function usePaged<T>(ask: (cursor: string) => Promise<Page<T>>, keyOf: (item: T) => string, everyMs: number): Paged<T> {
  const [items, setItems] = useState<readonly T[]>();
  const [next, setNext] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const deeper = useRef(false);
  const turn = useRef(0);
  const key = useRef(keyOf);
  key.current = keyOf;

  const fetch = useCallback(
    async (cursor: string): Promise<void> => {
      const asked = turn.current;
      try {
        const page = await ask(cursor);
        if (asked !== turn.current) return;
        if (cursor !== "") deeper.current = true;
        setItems((known = []) => {
          const fresh = new Set(page.items.map(key.current));
          const kept = known.filter((item) => !fresh.has(key.current(item)));
          return (cursor === "" ? [...page.items, ...(deeper.current ? kept : [])] : [...kept, ...page.items]).slice(0, ITEMS_MAX);
        });
        // A look at the newest page doesn't forget how far down somebody has read.
        if (cursor !== "" || !deeper.current) setNext(page.next);
        setProblem(undefined);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (asked === turn.current) setProblem(error.problem);
      }
    },
    [ask],
  );
  const look = useCallback(() => void fetch(""), [fetch]);
  useEffect(() => {
    turn.current += 1;
    deeper.current = false;
    setItems(undefined);
    look();
    const timer = setInterval(() => {
      if (!document.hidden) look();
    }, everyMs);
    return () => clearInterval(timer);
  }, [look, everyMs]);
  return { items, problem, look, more: next === "" || (items?.length ?? 0) >= ITEMS_MAX ? undefined : () => void fetch(next) };
}
