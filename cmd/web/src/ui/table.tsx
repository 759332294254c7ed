/*
 * A table of a screen: its columns as a list; wide ones scroll by themselves. At phone width each row
 * of more than three cells is a card (.cards in styles.css): there a cell says by itself what it is, and
 * the roles stand in the markup, since a table that is laid out otherwise is none for who hears it read.
 */
import type { ComponentChildren } from "preact";
import type { Row } from "../api";
import { rowKey } from "../rows";

export interface Column<T> {
  head: ComponentChildren;
  cell: (row: T) => ComponentChildren;
  num?: boolean;
}

interface Props<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  /* What the markup of a row says of it. */
  mark: (row: T) => { key: string | number } & { [name: `data-${string}`]: string | number | boolean };
}

export function Listing<T>({ label, rows, columns, mark }: Props<T>) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={label}>
      <table class={columns.length > 3 ? "cards" : ""} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column, i) => (
              <th key={i} scope="col" role="columnheader" class={column.num ? "num" : ""}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => {
            const { key, ...said } = mark(row);
            return (
              <tr key={key} {...said} role="row">
                {columns.map((column, i) => (
                  <td key={i} role="cell" class={column.num ? "num" : ""} data-label={typeof column.head === "string" ? column.head : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/* Of items. */
export function Table(props: Omit<Props<Row>, "mark">) {
  return <Listing {...props} mark={(row) => ({ key: rowKey(row), "data-row": rowKey(row) })} />;
}
