/* A table of a screen: its columns as a list, wide ones scroll by themselves. */
import type { ComponentChildren } from "preact";
import type { Row } from "../api";
import { rowKey } from "../rows";

export interface Column {
  head: ComponentChildren;
  cell: (row: Row) => ComponentChildren;
  num?: boolean;
}

export function Table(props: { label: string; rows: readonly Row[]; columns: readonly Column[] }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={props.label}>
      <table>
        <thead>
          <tr>
            {props.columns.map((column, i) => (
              <th key={i} scope="col" class={column.num ? "num" : ""}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={rowKey(row)} data-row={rowKey(row)}>
              {props.columns.map((column, i) => (
                <td key={i} class={column.num ? "num" : ""}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
