// A chart that says what it shows: title, unit, legend; and the same numbers as a table for those who can't see it.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type uPlot from "uplot";

import { Plot, type Build } from "./Plot";

export interface Legend {
  readonly label: string;
  /** A design token's name without the dashes: leaf, apricot. */
  readonly token: string;
  readonly shape: "line" | "bar";
}

export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What stands in a cell of the table, where it is more than its text. */
  readonly cell?: (row: number, column: number, text: string) => ComponentChildren;
  /** What the fold is called. */
  readonly open: string;
}

export function ChartFigure(props: { title: string; unit: string; legend: readonly Legend[]; build: Build; data: uPlot.AlignedData; table: Table; height?: number }) {
  const { title, unit, legend, table } = props;
  const [at, setAt] = useState<number>();
  const row = at === undefined ? undefined : table.rows[at];
  return (
    <figure class="chart">
      <figcaption>
        <b>{title}</b> <span class="hint">{unit}</span>
        <ul class="legend">
          {legend.map((one) => (
            <li key={one.label}>
              <span class="legend-mark" data-shape={one.shape} data-token={one.token} aria-hidden="true" />
              {one.label}
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="chart-plot">
        {row !== undefined && (
          <p class="chart-point" aria-hidden="true">
            {row.map((cell, column) => (
              <span key={column}>{column === 0 ? <b>{cell}</b> : `${table.heads[column] ?? ""} ${cell}`}</span>
            ))}
          </p>
        )}
        <Plot build={props.build} data={props.data} height={props.height ?? 220} onPoint={setAt} />
      </div>
      <details class="chart-table">
        <summary>{table.open}</summary>
        <div class="chart-table-scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                {table.heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, n) => (
                <tr key={n}>
                  {row.map((cell, column) => (column === 0 ? <th key={column} scope="row">{cell}</th> : <td key={column}>{table.cell?.(n, column, cell) ?? cell}</td>))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
