/** Headers of requests to a platform: names are shown, values only while they are typed. */
import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";

import { useWords } from "@/words/words";

import { Faults } from "./document-form";
import classes from "./settings.module.css";
import { words } from "./words";

export interface HeaderRow {
  readonly name: string;
  readonly value: string;
  /** It is kept on the server: an empty value leaves it. */
  readonly isKept: boolean;
}

export function headerRows(names: readonly string[] | null | undefined): HeaderRow[] {
  return (names ?? []).map((name) => ({ name, value: "", isKept: true }));
}

/** As they are sent: null stands for a value that stays as it is; what is not in it goes. */
export function headersOf(rows: readonly HeaderRow[]): Record<string, string | null> {
  return Object.fromEntries(rows.filter(({ name }) => name.trim() !== "").map(({ name, value, isKept }) => [name.trim(), isKept && value === "" ? null : value] as const));
}

interface Props {
  readonly label: string;
  readonly rows: readonly HeaderRow[];
  readonly set: (rows: HeaderRow[]) => void;
  readonly faults: readonly string[];
}

export function HeadersField({ label, rows, set, faults }: Props) {
  const say = useWords(words);
  const change = (at: number, more: Partial<HeaderRow>) => set(rows.map((row, index) => (index === at ? { ...row, ...more } : row)));
  return (
    <div className={classes.line} role="group" aria-label={label}>
      <span>{label}</span>
      <div>
        {rows.map((row, index) => (
          <div key={index} className={classes.header}>
            <TextInput size="xs" aria-label={say("header", { n: index + 1 })} value={row.name} readOnly={row.isKept} onChange={(event) => change(index, { name: event.currentTarget.value })} spellCheck={false} className={classes.monofield} />
            <TextInput size="xs" aria-label={say("headerValue", { name: row.name || String(index + 1) })} value={row.value} placeholder={row.isKept ? say("headerKept") : undefined} autoComplete="off" onChange={(event) => change(index, { value: event.currentTarget.value })} />
            <ActionIcon variant="subtle" color="gray" aria-label={say("removeHeader", { name: row.name || String(index + 1) })} onClick={() => set(rows.filter((_, other) => other !== index))}>
              <IconX className="icon" aria-hidden="true" />
            </ActionIcon>
          </div>
        ))}
        <Faults of={faults} />
        <div className="row g8">
          <Button size="compact-xs" leftSection={<IconPlus size={14} aria-hidden="true" />} onClick={() => set([...rows, { name: "", value: "", isKept: false }])}>
            {say("addHeader")}
          </Button>
          {rows.length > 0 ? <span className="dim t12">{say("headersHint")}</span> : null}
        </div>
      </div>
    </div>
  );
}
