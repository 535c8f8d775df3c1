// The register, as somebody types: what was found for the newest words, and never for older ones.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Problem } from "../gen/apricot/v1/common_pb";
import { ProjectListSchema, type RegisteredProject } from "../gen/apricot/v1/registry_pb";
import { Refused } from "../wire/refused";
import { read } from "../wire/rest";

/** Between two letters of one word. */
const TYPING_MS = 250;
const PAGE = 20;

export interface Found {
  /** Undefined until the first answer. */
  readonly projects: readonly RegisteredProject[] | undefined;
  readonly problem: Problem | undefined;
  readonly more: (() => void) | undefined;
}

export function useSearch(words: string): Found {
  const [found, setFound] = useState<{ readonly projects: readonly RegisteredProject[] | undefined; readonly next: string; readonly problem: Problem | undefined }>({ projects: undefined, next: "", problem: undefined });
  const turn = useRef(0);
  const ask = async (cursor: string, asked: number): Promise<void> => {
    try {
      const { projects, nextCursor } = await read("/v1/projects", {}, ProjectListSchema, { q: words.trim().slice(0, 100), cursor, limit: PAGE });
      if (asked === turn.current) setFound((known) => ({ projects: cursor === "" ? projects : [...(known.projects ?? []), ...projects], next: nextCursor, problem: undefined }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // What was found stays.
      if (asked === turn.current) setFound((known) => ({ ...known, problem: error.problem }));
    }
  };
  const first = useRef(true);
  useEffect(() => {
    turn.current += 1;
    const asked = turn.current;
    const timer = setTimeout(() => void ask("", asked), first.current ? 0 : TYPING_MS);
    first.current = false;
    return () => clearTimeout(timer);
  }, [words.trim()]);
  return { projects: found.projects, problem: found.problem, more: found.next === "" ? undefined : () => void ask(found.next, turn.current) };
}
