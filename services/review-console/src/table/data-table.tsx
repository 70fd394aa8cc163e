/**
 * The one table.
 *
 *     <DataTable id="decisions" caption={…} columns={columns} rows={rows} rowId={(row) => row.id}
 *       cursor={cursor} onCursor={setCursor} onOpen={open} sort={sort} onSort={setSort}
 *       selection={selection} onSelect={setSelection} more={query} />
 *
 * Guarantees: a real table with a sticky head; sorting is a button and says so (`aria-sort`), and is the
 * caller's (the server's) matter; J K, Enter, X and Shift X work in the scope `list`; columns that are
 * hidden stay hidden for this person; only the rows in sight are in the document once there are many.
 * Must not: filter, sort or cut rows itself.
 */
import { Button, Checkbox, Menu } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { tableFeatures, useTable, type ColumnDef } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { IconArrowDown, IconArrowUp, IconColumns } from "@tabler/icons-react";
import { Fragment, useRef, type ReactNode } from "react";

import { useCommand } from "@/key/keys";
import { prefer, preference, usePreference } from "@/preference/preference";
import { useWords } from "@/words/words";

import classes from "./data-table.module.css";
import { allOf, extended, toggled, type Selection } from "./selection";
import { Matching } from "./matching";
import { Edge, useWidths } from "./width";
import { words } from "./words";

export interface Column<Row> {
  readonly id: string;
  readonly header: string;
  readonly cell: (row: Row) => ReactNode;
  /** Pixels; one column without a width takes what is left. */
  readonly width?: number;
  readonly numeric?: boolean;
  readonly sortable?: boolean;
  readonly hideable?: boolean;
  /** Not on a narrow screen: say it in another cell there. */
  readonly wide?: boolean;
  /** The header is for assistive technology only. */
  readonly quiet?: boolean;
}

export interface Sort {
  readonly by: string;
  readonly descending: boolean;
}

interface Props<Row> {
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowId: (row: Row) => string;
  readonly rowName?: (row: Row) => string;
  /** Rows with the same one follow each other, under its heading. */
  readonly groupOf?: (row: Row) => string | null;
  readonly cursor?: string | null;
  readonly onCursor?: (id: string) => void;
  readonly onOpen?: (row: Row) => void;
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
  readonly selection?: Selection;
  readonly onSelect?: (selection: Selection) => void;
  readonly more?: { readonly hasNextPage: boolean; readonly isFetchingNextPage: boolean; readonly fetchNextPage: () => unknown };
  /** Gathers the ids of everything that fits, past what is loaded; `isCut`: there are more still. */
  readonly matching?: { readonly count: number | null; readonly gather: () => Promise<{ ids: readonly string[]; isCut: boolean }> };
  /** Rows that have a button: 38 px instead of 28. */
  readonly tall?: boolean;
  readonly empty?: ReactNode;
}

const features = tableFeatures({});
const VIRTUAL_FROM = 100;

export function DataTable<Row extends object>(props: Props<Row>) {
  const { columns, rows, rowId, tall = false, empty } = props;
  const shown = useShown(props.id, columns);
  const defs: ColumnDef<typeof features, Row>[] = shown.map((column) => ({ id: column.id, header: column.header, cell: ({ row }) => column.cell(row.original) }));
  const table = useTable({ features, columns: defs, data: rows as Row[], getRowId: rowId });
  const scroller = useRef<HTMLDivElement>(null);
  const isCompact = usePreference().density === "COMPACT";
  const height = isCompact ? (tall ? 38 : 28) : 40; // as the tokens have it
  // Its functions are not memoised here, which is all that the rule is about.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 12, enabled: rows.length > VIRTUAL_FROM, getItemKey: (index) => rowId(rows[index] as Row) });
  useRowKeys(props, (index) => virtual.scrollToIndex(index));
  const model = table.getRowModel().rows;
  const many = rows.length > VIRTUAL_FROM;
  const inSight = many ? virtual.getVirtualItems().map((item) => item.index) : model.map((_, index) => index);
  const [before, after] = many ? edges(virtual.getVirtualItems(), virtual.getTotalSize()) : [0, 0];
  const span = shown.length + (props.selection ? 1 : 0);
  return (
    // What scrolls has to be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroller} ref={scroller} tabIndex={0} role="region" aria-label={props.caption} data-tall={tall || undefined}>
      <table className={classes.table}>
        <caption className="hidden">{props.caption}</caption>
        <Head {...props} shown={shown} />
        {props.selection && props.onSelect && props.matching ? <Matching {...props} selection={props.selection} onSelect={props.onSelect} matching={props.matching} span={span} /> : null}
        <tbody>
          {before > 0 ? <tr aria-hidden="true" style={{ height: before }} /> : null}
          {inSight.map((index) => {
            const row = model[index];
            if (!row) return null;
            const group = props.groupOf?.(row.original) ?? null;
            const earlier = index > 0 ? rows[index - 1] : undefined;
            const isFirst = group !== null && (earlier === undefined || props.groupOf?.(earlier) !== group);
            return (
              <Fragment key={row.id}>
                {isFirst ? (
                  <tr className={classes.group}>
                    <th scope="rowgroup" colSpan={span}>
                      {group}
                    </th>
                  </tr>
                ) : null}
                <Line {...props} row={row.original} shown={shown} />
              </Fragment>
            );
          })}
          {after > 0 ? <tr aria-hidden="true" style={{ height: after }} /> : null}
        </tbody>
      </table>
      {rows.length === 0 ? empty : null}
      <More more={props.more} />
    </div>
  );
}

function edges(items: readonly { start: number; end: number }[], total: number): [number, number] {
  return [items[0]?.start ?? 0, total - (items.at(-1)?.end ?? total)];
}

function Head<Row>({ id, shown, sort, onSort, selection, onSelect, rows, rowId }: Props<Row> & { shown: readonly Column<Row>[] }) {
  const say = useWords(words);
  const widths = useWidths(id);
  const ids = rows.map(rowId);
  const picked = ids.filter((id) => selection?.ids.has(id)).length;
  return (
    <thead>
      <tr>
        {selection && onSelect ? (
          <th scope="col" style={{ width: 40 }}>
            <Checkbox size="xs" aria-label={say("selectAll")} checked={picked > 0 && picked === ids.length} indeterminate={picked > 0 && picked < ids.length} onChange={() => onSelect(allOf(selection, ids))} />
          </th>
        ) : null}
        {shown.map((column) => {
          const isSorted = sort?.by === column.id;
          const Arrow = sort?.descending ? IconArrowDown : IconArrowUp;
          return (
            <th key={column.id} scope="col" style={{ width: widths[column.id] ?? column.width }} className={column.numeric ? "num" : undefined} aria-label={column.header} aria-sort={isSorted ? (sort.descending ? "descending" : "ascending") : undefined}>
              {column.sortable && onSort ? (
                <button type="button" className={classes.sort} onClick={() => onSort({ by: column.id, descending: isSorted ? !sort.descending : false })}>
                  {column.header}
                  {isSorted ? <Arrow size={14} aria-label={say(sort.descending ? "sortedDown" : "sortedUp")} /> : null}
                </button>
              ) : (
                <span className={column.quiet ? "hidden" : undefined}>{column.header}</span>
              )}
              {column.quiet || column === shown.at(-1) ? null : <Edge table={id} column={column.id} name={column.header} />}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

function Line<Row>({ row, shown, rowId, rowName, rows, cursor, onCursor, onOpen, selection, onSelect }: Props<Row> & { row: Row; shown: readonly Column<Row>[] }) {
  const say = useWords(words);
  const id = rowId(row);
  const isPicked = selection?.ids.has(id) ?? false;
  return (
    // Rows are walked by J and K, and opened by Enter (`useRowKeys`); this is for the pointer.
    <tr id={`row-${id}`} data-cursor={cursor === id || undefined} data-picked={isPicked || undefined} aria-current={cursor === id ? "true" : undefined} aria-selected={selection ? isPicked : undefined} onClick={onCursor ? () => onCursor(id) : undefined} onDoubleClick={onOpen ? () => onOpen(row) : undefined}>
      {selection && onSelect ? (
        <td>
          <Checkbox
            size="xs"
            aria-label={say("select", { name: rowName?.(row) ?? id })}
            checked={isPicked}
            onChange={(event) => {
              const native = event.nativeEvent as MouseEvent;
              onSelect(native.shiftKey ? extended(selection, id, rows.map(rowId)) : toggled(selection, id));
            }}
          />
        </td>
      ) : null}
      {shown.map((column) => (
        <td key={column.id} className={column.numeric ? "num" : undefined}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

function useRowKeys<Row>({ rows, rowId, cursor, onCursor, onOpen, selection, onSelect }: Props<Row>, show: (index: number) => void): void {
  const say = useWords(words);
  const at = rows.findIndex((row) => rowId(row) === cursor);
  const go = (to: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!row || !onCursor) return;
    const id = rowId(row);
    onCursor(id);
    show(rows.indexOf(row));
    document.getElementById(`row-${id}`)?.scrollIntoView({ block: "nearest" });
  };
  const row = rows[at];
  const picks = selection !== undefined && onSelect !== undefined && row !== undefined;
  useCommand({ id: "list.next", scope: "list", keys: ["J", "ArrowDown"], repeats: true, label: say("next"), enabled: onCursor !== undefined, run: () => go(at + 1) });
  useCommand({ id: "list.previous", scope: "list", keys: ["K", "ArrowUp"], repeats: true, label: say("previous"), enabled: onCursor !== undefined, run: () => go(at - 1) });
  useCommand({
    id: "list.open",
    scope: "list",
    keys: "Enter",
    label: say("open"),
    enabled: onOpen !== undefined && row !== undefined,
    run: () => row && onOpen?.(row),
  });
  useCommand({ id: "list.pick", scope: "list", keys: "X", label: say("pick"), enabled: picks, run: () => picks && onSelect(toggled(selection, rowId(row))) });
  useCommand({ id: "list.range", scope: "list", keys: "Shift+X", label: say("range"), enabled: picks, run: () => picks && onSelect(extended(selection, rowId(row), rows.map(rowId))) });
}

function More({ more }: { more: Props<object>["more"] }) {
  const say = useWords(words);
  if (!more?.hasNextPage) return null;
  return (
    <div className={classes.more}>
      <Button size="xs" loading={more.isFetchingNextPage} onClick={() => more.fetchNextPage()}>
        {more.isFetchingNextPage ? say("loadingMore") : say("more")}
      </Button>
    </div>
  );
}

function useShown<Row>(id: string, columns: readonly Column<Row>[]): Column<Row>[] {
  const hidden = usePreference().hiddenColumns[id] ?? [];
  const narrow = useMediaQuery("(max-width: 900px)");
  return columns.filter((column) => !(column.hideable && hidden.includes(column.id)) && !(narrow && column.wide));
}

/** Which columns are shown; for the head of a page, beside the table of the same `id`. */
export function ColumnMenu<Row>({ id, columns }: { id: string; columns: readonly Column<Row>[] }) {
  const say = useWords(words);
  const hidden = usePreference().hiddenColumns[id] ?? [];
  const set = (column: string, visible: boolean) => {
    const others = hidden.filter((one) => one !== column);
    prefer({ hiddenColumns: { ...preference().hiddenColumns, [id]: visible ? others : [...others, column] } });
  };
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <Button size="xs" leftSection={<IconColumns className="icon" />}>
          {say("columns")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {columns
          .filter((column) => column.hideable)
          .map((column) => (
            <Checkbox key={column.id} size="xs" p={8} label={column.header} checked={!hidden.includes(column.id)} onChange={(event) => set(column.id, event.currentTarget.checked)} />
          ))}
      </Menu.Dropdown>
    </Menu>
  );
}
