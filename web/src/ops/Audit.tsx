// Who did what to whom, and why.

import { useCallback, useEffect } from "preact/hooks";

import type { AuditLine } from "../gen/apricot/v1/ops_pb";
import { problemText } from "../parts/names";
import { Skeleton, Still } from "../parts/Still";
import { useWords } from "../text";
import { useActing } from "./Acting";
import { actionName, auditReason, auditSubject } from "./names";
import { usePaged } from "./paged";
import { readAudit } from "./record";
import { Table, type Column } from "./Table";
import { opsText } from "./text";

const LOOK_EVERY_MS = 5_000;

const ask = async (cursor: string): Promise<{ items: readonly AuditLine[]; next: string }> => {
  const { lines, nextCursor } = await readAudit(cursor);
  return { items: lines, next: nextCursor };
};

export function Audit() {
  const words = useWords();
  const { t, stamp } = words;
  const o = opsText.use();
  const { done } = useActing();
  const lines = usePaged(useCallback(ask, []), ({ id }) => String(id), LOOK_EVERY_MS);
  useEffect(() => lines.look(), [done]);
  const columns: readonly Column<AuditLine>[] = [
    { id: "when", head: o.audit.when, words: true, short: true, cell: ({ atMs }) => stamp(Number(atMs)) },
    { id: "actor", head: o.audit.actor, words: true, cell: ({ actor }) => <code>{actor}</code> },
    { id: "action", head: o.audit.action, words: true, cell: ({ action }) => actionName(o, action) },
    { id: "subject", head: o.audit.subject, words: true, wide: true, cell: (line) => <bdi class="subject">{line.subject === "" ? "–" : auditSubject(words, line)}</bdi> },
    { id: "reason", head: o.audit.reason, words: true, wide: true, cell: (line) => (line.reason === "" ? "–" : <bdi>{auditReason(o, words, line)}</bdi>) },
  ];
  return (
    <section class="block" aria-labelledby="audit-heading">
      <header class="block-head">
        <h2 id="audit-heading">{o.audit.heading}</h2>
      </header>
      {lines.problem !== undefined && <p class="wrong">{problemText(t, lines.problem)}</p>}
      {lines.items === undefined && lines.problem === undefined && <Skeleton lines={8} />}
      {lines.items?.length === 0 && <Still title={o.audit.none} />}
      {lines.items !== undefined && lines.items.length > 0 && <Table label={o.audit.heading} columns={columns} rows={lines.items} keyOf={({ id }) => String(id)} testId="audit" rowData={({ action }) => action} />}
      {lines.more !== undefined && (
        <button type="button" class="quiet" onClick={lines.more}>
          {t.more}
        </button>
      )}
    </section>
  );
}
