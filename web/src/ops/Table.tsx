// A table that is sorted by any of its columns, with the keyboard too; on a phone its rows are cards.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { opsText } from "./text";

export interface Column<T> {
  readonly id: string;
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  /** What it is sorted by; without it it is not. */
  readonly by?: (row: T) => number | bigint | string;
  readonly words?: boolean;
  /** On one line on a desk: a time. */
  readonly short?: boolean;
  /** Takes a phone's whole width: a sentence, a long number. */
  readonly wide?: boolean;
}

export interface Order {
  readonly column: string;
  readonly down: boolean;
}

export function Table<T>(props: { label: string; columns: readonly Column<T>[]; rows: readonly T[]; keyOf: (row: T) => string; first?: Order; testId?: string; rowData?: (row: T) => string }) {
  const o = opsText.use();
  const { columns, rows, keyOf } = props;
  const [order, setOrder] = useState<Order | undefined>(props.first);
  const column = columns.find(({ id }) => id === order?.column);
  const shown = column?.by === undefined ? rows : sorted(rows, column.by, order?.down === true);
  const turn = (one: Column<T>): void => setOrder({ column: one.id, down: order?.column === one.id ? !order.down : one.words !== true });
  const sortable = columns.filter(({ by }) => by !== undefined);
  return (
    <div class="table-box">
      {sortable.length > 0 && (
        <div class="sort-pick">
          <label>
            <span>{o.sortBy}</span>
            <select
              value={order?.column ?? ""}
              data-testid="sort-by"
              onChange={(event) => {
                const one = columns.find(({ id }) => id === event.currentTarget.value);
                if (one !== undefined) turn(one);
              }}
            >
              {order === undefined && <option value="">–</option>}
              {sortable.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.head}
                </option>
              ))}
            </select>
          </label>
          {column !== undefined && (
            <button type="button" class="act" data-testid="sort-turn" aria-label={o.sortDown} aria-pressed={order?.down === true} onClick={() => turn(column)}>
              <span class="sort-sign" aria-hidden="true" />
            </button>
          )}
        </div>
      )}
      <div class="table-scroll" tabIndex={0} role="group" aria-label={props.label}>
        <table class="cards-table" data-testid={props.testId}>
          <thead>
            <tr>
              {columns.map((one) => (
                <th key={one.id} scope="col" data-words={one.words} aria-sort={order?.column !== one.id ? undefined : order.down ? "descending" : "ascending"}>
                  {one.by === undefined ? (
                    one.head
                  ) : (
                    <button type="button" class="sort" data-testid={`sort-${one.id}`} onClick={() => turn(one)}>
                      {one.head}
                      <span class="sort-sign" aria-hidden="true" />
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={keyOf(row)} data-row={props.rowData?.(row) ?? keyOf(row)}>
                {columns.map((one, at) =>
                  at === 0 ? (
                    <th key={one.id} scope="row" data-words={one.words} data-short={one.short}>
                      {one.cell(row)}
                    </th>
                  ) : (
                    <td key={one.id} data-label={one.head} data-words={one.words} data-short={one.short} data-wide={one.wide}>
                      {one.cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function sorted<T>(rows: readonly T[], by: (row: T) => number | bigint | string, down: boolean): readonly T[] {
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [one, other] = [by(a), by(b)];
    if (typeof one === "string" && typeof other === "string") return sign * one.localeCompare(other);
    return sign * (one < other ? -1 : one > other ? 1 : 0);
  });
}
