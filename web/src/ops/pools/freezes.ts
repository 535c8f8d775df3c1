// Who froze a pool and why: the pool itself doesn't say it, the audit trail does.

import { useEffect, useState } from "preact/hooks";

import { AuditListSchema, type AuditLine } from "../../gen/apricot/v1/ops_pb";
import { Refused } from "../../wire/refused";
import { read } from "../../wire/rest";

/** So far back in the trail: whatever was frozen before is shown without a reason. */
const PAGES_MAX = 10;
const PAGE = 100;

/** For each pool of `ids`, which are parted by spaces, the line that froze it. `done` grows with each change that was made here. */
export function useFreezes(ids: string, done: number): ReadonlyMap<string, AuditLine> {
  const [freezes, setFreezes] = useState<ReadonlyMap<string, AuditLine>>(new Map());
  useEffect(() => {
    let isGone = false;
    const ask = async (): Promise<void> => {
      const found = await freezesOf(new Set(ids.split(" ").filter((id) => id !== "")));
      if (!isGone) setFreezes(found);
    };
    ask().catch((error: unknown) => {
      // They are shown as frozen all the same.
      if (!(error instanceof Refused)) throw error;
    });
    return () => {
      isGone = true;
    };
  }, [ids, done]);
  return freezes;
}

async function freezesOf(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, AuditLine>> {
  const found = new Map<string, AuditLine>();
  let cursor = "";
  for (let page = 0; page < PAGES_MAX && found.size < ids.size; page += 1) {
    const { lines, nextCursor } = await read("/v1/ops/audit", {}, AuditListSchema, { cursor, limit: PAGE });
    newestFreezes(lines, ids, found);
    if (nextCursor === "") break;
    cursor = nextCursor;
  }
  return found;
}

/** Adds to `found` what `lines`, newest first, say of pools that are not in it yet. */
export function newestFreezes(lines: readonly AuditLine[], ids: ReadonlySet<string>, found: Map<string, AuditLine>): void {
  for (const line of lines) if (line.action === "freeze-pool" && ids.has(line.subject) && !found.has(line.subject)) found.set(line.subject, line);
}
