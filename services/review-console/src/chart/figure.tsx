/**
 * A figure on a sheet: its name, chart or table, its numbers as a file.
 *
 * Guarantees: whatever a chart shows is in its table and its file; a chart that breaks says so in its
 * own place.
 */
import { ActionIcon, Menu } from "@mantine/core";
import { IconChartBar, IconDots, IconDownload, IconTable } from "@tabler/icons-react";
import { useId, useState, type ReactNode } from "react";

import { Pane } from "@/control/state";
import { useWords } from "@/words/words";

import classes from "./chart.module.css";
import { save, type Sheet } from "./sheet";
import { words } from "./words";

interface Props {
  readonly title: string;
  readonly sub?: ReactNode;
  /** What of it is shown: choices beside its name. */
  readonly tools?: ReactNode;
  /** Beside the name: where the list behind it is. */
  readonly link?: ReactNode;
  readonly sheet: Sheet;
  /** The same as people read it, where a file has moments as machines do. */
  readonly shownSheet?: ShownSheet;
  /** Of the file, without its end. */
  readonly file: string;
  readonly chart: ReactNode;
  readonly table?: ReactNode;
  readonly first?: "chart" | "table";
  readonly className?: string;
}

export function Figure({ title, sub, tools, link, sheet, shownSheet, file, chart, table, first = "chart", className }: Props) {
  const say = useWords(words);
  const id = useId();
  const [view, setView] = useState(first);
  return (
    <section className={`${classes.figure} ${className ?? ""}`} aria-labelledby={id}>
      <header className={classes.head}>
        <h2 id={id}>{link ?? title}</h2>
        {sub ? <span className="dim t12 ell">{sub}</span> : null}
        <span className={classes.controls}>
          {tools}
          <span className={classes.seg} role="group" aria-label={title}>
            <button type="button" aria-pressed={view === "chart"} aria-label={say("showChart", { title })} title={say("showChart", { title })} onClick={() => setView("chart")}>
              <IconChartBar size={14} aria-hidden="true" />
            </button>
            <button type="button" aria-pressed={view === "table"} aria-label={say("showTable", { title })} title={say("showTable", { title })} onClick={() => setView("table")}>
              <IconTable size={14} aria-hidden="true" />
            </button>
          </span>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" size={24} c="var(--text)" aria-label={say("menu", { title })}>
                <IconDots className="icon" aria-hidden="true" />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconDownload className="icon" aria-hidden="true" />} onClick={() => save(`${file}.csv`, sheet)}>
                {say("csv")}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </span>
      </header>
      <div className={classes.body}>
        <Pane>{view === "chart" ? chart : (table ?? <SheetTable title={title} sheet={shownSheet ?? sheet} />)}</Pane>
      </div>
    </section>
  );
}

/** Rows as they are read: a cell may be a link. */
export interface ShownSheet {
  readonly columns: Sheet["columns"];
  readonly rows: readonly (readonly ReactNode[])[];
}

export function SheetTable({ title, sheet }: { title: string; sheet: ShownSheet }) {
  return (
    // What scrolls has to be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={title}>
      <table className={classes.table}>
        <caption className="hidden">{title}</caption>
        <thead>
          <tr>
            {sheet.columns.map((column) => (
              <th key={column.name} scope="col" className={column.numeric ? "num" : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sheet.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (
                <td key={at} className={sheet.columns[at]?.numeric ? "num" : undefined}>
                  {typeof cell === "number" ? cell.toLocaleString() : cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
