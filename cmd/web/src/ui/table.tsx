/*
 * A table of a screen: its columns as a list; wide ones scroll by themselves. At phone width each row
 * of more than three cells is a card (.cards in styles.css): there a cell says by itself what it is, and
 * the roles stand in the markup, since a table that is laid out otherwise is none for who hears it read.
 */
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
      <table class={props.columns.length > 3 ? "cards" : ""} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {props.columns.map((column, i) => (
              <th key={i} scope="col" role="columnheader" class={column.num ? "num" : ""}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {props.rows.map((row) => (
            <tr key={rowKey(row)} data-row={rowKey(row)} role="row">
              {props.columns.map((column, i) => (
                <td key={i} role="cell" class={column.num ? "num" : ""} data-label={typeof column.head === "string" ? column.head : undefined}>
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
