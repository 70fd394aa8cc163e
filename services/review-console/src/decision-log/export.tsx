/** What the filters show as a file: ordered, counted while it is written, downloaded when it is there. */
import { Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Problem } from "@/control/state";
import { languageTag, useWords } from "@/words/words";

import classes from "./decision-log.module.css";
import { asked } from "./log";
import type { Filters } from "./search";
import { words } from "./words";

type Format = Schema["LogExportBody"]["format"];

export interface Exporting {
  readonly id: string | null;
  readonly error: unknown;
  readonly start: (format: Format) => void;
  readonly dismiss: () => void;
}

export function useExport(filters: Filters): Exporting {
  const [state, setState] = useState<{ id: string | null; error: unknown }>({ id: null, error: null });
  const start = (format: Format) => {
    take(api.POST("/v1/decision-log/exports", { body: { format, filters: asked(filters) } }))
      .then(({ id }) => setState({ id, error: null }))
      .catch((error: unknown) => setState({ id: null, error }));
  };
  return { ...state, start, dismiss: () => setState({ id: null, error: null }) };
}

export function ExportMenu({ start }: { start: (format: Format) => void }) {
  const say = useWords(words);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" leftSection={<IconDownload className="icon" aria-hidden="true" />}>
          {say("export")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => start("CSV")}>{say("asCsv")}</Menu.Item>
        <Menu.Item onClick={() => start("JSONL")}>{say("asJsonl")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function sizeOf(bytes: number): string {
  const [value, unit] = bytes < 1_000_000 ? [bytes / 1000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(languageTag(), { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

export function ExportStrip({ exporting }: { exporting: Exporting }) {
  const say = useWords(words);
  const { id, error, dismiss } = exporting;
  const { data, error: lost } = useQuery({
    queryKey: ["decision-export", id],
    enabled: id !== null,
    queryFn: ({ signal }) => take(api.GET("/v1/decision-log/exports/{export_id}", { params: { path: { export_id: id ?? "" } }, signal })),
    refetchInterval: ({ state }) => (state.data?.state === "RUNNING" ? 700 : false),
  });
  if (error ?? lost) return <Problem error={error ?? lost} again={dismiss} />;
  if (!data) return null;
  return (
    <div className={classes.strip} role="status">
      <span>
        {data.state === "RUNNING" ? say("exporting", { rows: data.rows }) : data.state === "COMPLETE" ? say("exported", { rows: data.rows, size: sizeOf(data.bytes) }) : say("exportFailed", { why: data.error ?? "" })}
      </span>
      <span className="end row g8">
        {data.state === "COMPLETE" ? (
          <Button size="xs" component="a" href={`/v1/decision-log/exports/${data.id}/download`} download>
            {say("download")}
          </Button>
        ) : null}
        <Button size="xs" variant="subtle" onClick={dismiss}>
          {say("dismiss")}
        </Button>
      </span>
    </div>
  );
}
