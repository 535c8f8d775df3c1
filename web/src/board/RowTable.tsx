// Sums by place, project or produce, the most given first.

import type { BoardRow } from "../gen/apricot/v1/log_pb";
import { Amount } from "../parts/Amount";
import { ProjectName } from "../parts/Gifts";
import { useWords } from "../text";
import { matched, standing } from "./board";
import { ToLeaf } from "./Headline";
import { boardText } from "./text";

export interface Line {
  readonly row: BoardRow;
  readonly name: string;
  readonly note?: string;
  /** Its id, when it is a project: the name leads to its page. */
  readonly project?: string;
}

/** Where a row stands, for what leads to it. */
export const rowId = (testId: string, key: string): string => `${testId}/${key}`;

/** `onDays`: shows a row day by day. */
export function RowTable(props: { rows: readonly Line[]; name: string; testId: string; shown: string | undefined; onDays: (line: Line) => void }) {
  const b = boardText.use();
  const { count, money } = useWords();
  const { rows, name } = props;
  const withMatches = rows.some(({ row }) => matched(row) !== 0n);
  if (rows.length === 0) return <p class="hint">{b.none}</p>;
  return (
    <div class="rows" tabIndex={0} role="region" aria-label={name}>
      <table data-testid={props.testId}>
        <thead>
          <tr>
            <th scope="col">{name}</th>
            <th scope="col">{b.ordersShort}</th>
            <th scope="col">{b.givenShort}</th>
            {withMatches && <th scope="col">{b.matched}</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((line) => {
            const { row, name: shown, note, project } = line;
            const amount = { minor: standing(row), currency: row.currency };
            return (
              <tr
                key={row.key}
                id={rowId(props.testId, row.key)}
                data-key={row.key}
                data-leaf={String(row.tallyLeaf)}
                data-shown={row.key === props.shown}
                onClick={({ target }) => {
                  // A link in it leads where it says.
                  if (!(target instanceof Element) || target.closest("a, button") === null) props.onDays(line);
                }}
              >
                <th scope="row">
                  {project === undefined ? <bdi>{shown}</bdi> : <ProjectName project={project} title={shown} />}
                  {note !== undefined && <span class="hint">{note}</span>}
                  <button type="button" class="plain row-days unprinted" aria-pressed={row.key === props.shown} aria-label={b.daysOf(shown)} onClick={() => props.onDays(line)}>
                    {b.days}
                  </button>
                </th>
                <td>
                  <ToLeaf row={row} what={`${shown} ${count(row.orders)}`}>
                    {count(row.orders)}
                  </ToLeaf>
                </td>
                <td>
                  <ToLeaf row={row} what={`${shown} ${money(amount)}`}>
                    <Amount value={amount} />
                  </ToLeaf>
                </td>
                {withMatches && (
                  <td>
                    <ToLeaf row={row} what={`${shown} ${money({ minor: matched(row), currency: row.currency })}`}>
                      <Amount value={{ minor: matched(row), currency: row.currency }} />
                    </ToLeaf>
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
