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

export function RowTable(props: { rows: readonly Line[]; name: string; testId: string }) {
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
          {rows.map(({ row, name: shown, note, project }) => {
            const amount = { minor: standing(row), currency: row.currency };
            return (
              <tr key={row.key} data-key={row.key} data-leaf={String(row.tallyLeaf)}>
                <th scope="row">
                  {project === undefined ? <bdi>{shown}</bdi> : <ProjectName project={project} title={shown} />}
                  {note !== undefined && <span class="hint">{note}</span>}
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
