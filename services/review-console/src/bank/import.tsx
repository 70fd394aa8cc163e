/**
 * A bank's entries from a file, and as one.
 *
 *     chosen ──▶ looked at (nothing changes) ──▶ brought in, over the revision that was looked at
 *        ▲            └── faults: named with their line, nothing is taken
 *        └── the bank was changed since: looked at anew
 *
 * Guarantees: what would be removed is said in numbers and names, and asked about once more.
 */
import { Button, FileButton, Group, Menu, SegmentedControl } from "@mantine/core";
import { IconDownload, IconFile, IconUpload } from "@tabler/icons-react";
import { useRef, useState } from "react";

import { asProblem, type Fault } from "@/api/problem";
import { Dialog } from "@/control/dialog";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { Part } from "@/settings/document-form";
import { languageTag, useWords } from "@/words/words";

import { imported, type Change, type FileBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./words";

type Mode = "add" | "replace";

interface Chosen {
  readonly name: string;
  readonly text: string;
  readonly isJson: boolean;
}

interface State {
  readonly chosen: Chosen | null;
  readonly mode: Mode;
  readonly looked: Change | null;
  readonly error: unknown;
  readonly busy: "looking" | "importing" | null;
  readonly isStale: boolean;
}

const START: State = { chosen: null, mode: "add", looked: null, error: null, busy: null, isStale: false };

interface Props {
  readonly path: FileBank;
  readonly bank: { readonly id: string; readonly name: string };
}

function useImport({ path, bank }: Props) {
  const say = useWords(words);
  const [state, setState] = useState<State>(START);
  const turn = useRef(0);
  const run = async (chosen: Chosen, mode: Mode, over: Change | null, isStale = false): Promise<void> => {
    const mine = (turn.current += 1);
    // Another file was chosen since: what is said of this one is said of nothing.
    const tell = (change: Partial<State>) => (mine === turn.current ? setState((had) => ({ ...had, ...change })) : undefined);
    setState({ chosen, mode, looked: over, error: null, busy: over ? "importing" : "looking", isStale });
    try {
      const done = await imported({ path, id: bank.id, text: chosen.text, isJson: chosen.isJson, mode, over: over?.revision ?? null });
      if (over === null) tell({ looked: done, busy: null });
      else {
        tell(START);
        toast(say("imported", { name: bank.name, count: done.entryCount }));
      }
    } catch (refused) {
      const problem = asProblem(refused);
      if (!problem) throw refused;
      if (over !== null && problem.status === 412 && mine === turn.current) await run(chosen, mode, null, true);
      else tell({ error: refused, busy: null, looked: null });
    }
  };
  const choose = (file: File | null): void => {
    if (!file) return;
    file
      .text()
      .then((text) => run({ name: file.name, text, isJson: /\.(geo)?json$/i.test(file.name) }, state.mode, null))
      .catch((error: unknown) => setState({ ...START, error }));
  };
  return { state, run, choose };
}

export function BankImport(props: Props) {
  const say = useWords(words);
  const { state, run, choose } = useImport(props);
  const { chosen, mode, looked, error, busy, isStale } = state;
  const [isAsked, setAsked] = useState(false);
  const takeIn = () => (chosen && looked ? void run(chosen, mode, looked) : undefined);
  const faults = asProblem(error)?.faults ?? [];
  return (
    <Part
      title={say("importTitle")}
      facts={chosen?.name}
      tools={
        <FileButton onChange={choose} accept=".csv,.json,.geojson,.txt,text/csv,application/json">
          {(button) => (
            <Button {...button} size="xs" leftSection={chosen ? <IconFile className="icon" aria-hidden="true" /> : <IconUpload className="icon" aria-hidden="true" />}>
              {say(chosen ? "otherFile" : "choose")}
            </Button>
          )}
        </FileButton>
      }
    >
      {chosen ? (
        <div className={classes.import}>
          <SegmentedControl
            size="xs"
            aria-label={say("importTitle")}
            style={{ justifySelf: "start" }}
            value={mode}
            data={[
              { value: "add", label: say("addMode") },
              { value: "replace", label: say("replaceMode") },
            ]}
            onChange={(value) => void run(chosen, value === "replace" ? "replace" : "add", null)}
          />
          <div role="status">
            {busy === "looking" ? <p className="dim t13">{say("looking", { name: chosen.name })}</p> : null}
            {isStale ? <p className="high t13">{say("changedSince")}</p> : null}
          </div>
          {faults.length > 0 ? <Faulty faults={faults} name={chosen.name} /> : error ? <Problem error={error} /> : null}
          {looked ? <Looked of={looked} /> : null}
          {looked ? (
            <span>
              <InertButton why={looked.added + looked.removed === 0 ? say("importNothing") : null} size="xs" variant="filled" className={mode === "replace" && looked.removed > 0 ? classes.final : undefined} loading={busy === "importing"} onClick={looked.removed > 0 ? () => setAsked(true) : takeIn}>
                {say("importNow", { count: looked.added, removed: looked.removed })}
              </InertButton>
            </span>
          ) : null}
          {isAsked && looked ? (
            <Dialog opened onClose={() => setAsked(false)} title={say("replaceTitle", { count: looked.removed, name: props.bank.name })} centered>
              <p className="t13">{say("replaceText")}</p>
              <Group mt="lg" gap="sm" justify="flex-end">
                <Button data-autofocus onClick={() => setAsked(false)}>
                  {say("cancel")}
                </Button>
                <Button
                  variant="filled"
                  className={classes.final}
                  onClick={() => {
                    setAsked(false);
                    takeIn();
                  }}
                >
                  {say("replaceNow")}
                </Button>
              </Group>
            </Dialog>
          ) : null}
        </div>
      ) : (
        <>
          <p className="dim t12">{say(props.path === "text-banks" ? "importHint" : "importHintPlaces")}</p>
          {error ? <Problem error={error} /> : null}
        </>
      )}
    </Part>
  );
}

function Faulty({ faults, name }: { faults: readonly Fault[]; name: string }) {
  const say = useWords(words);
  return (
    <div role="alert">
      <p className="severe t13">{say("faultsIn", { count: faults.length, name })}</p>
      <ul className={classes.lines}>
        {faults.map(({ pointer, reason }) => (
          <li key={pointer + reason} data-sign="!">
            <b className="severe" aria-hidden="true">
              !
            </b>
            <span>
              {pointer ? <span className="dim">{say("atPlace", { place: pointer.replace(/^\//, "") })}</span> : null} {reason}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Looked({ of }: { of: Change }) {
  const say = useWords(words);
  const count = (value: number) => value.toLocaleString(languageTag());
  const figures = [
    ["isNew", of.added],
    ["isRemoved", of.removed],
    ["same", of.duplicates ?? 0],
    ["blank", of.blank ?? 0],
    ["after", of.entryCount],
  ] as const;
  return (
    <>
      <dl className={classes.figures}>
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{say(name)}</dt>
            <dd>{count(value)}</dd>
          </div>
        ))}
      </dl>
      <Named sign="−" title={say("removedOnes")} entries={of.removedEntries ?? []} all={of.removed} />
      <Named sign="+" title={say("newOnes")} entries={of.addedEntries ?? []} all={of.added} />
      {of.warnings?.map((one) => (
        <p key={one.pointer + one.reason} className="medium t12">
          {one.reason}
        </p>
      ))}
    </>
  );
}

/** A location comes as JSON: what it is called is what is read. */
function called(entry: string): string {
  if (!entry.startsWith("{")) return entry;
  try {
    const { name, geohash, geometry } = JSON.parse(entry) as { name?: string; geohash?: string; geometry?: { center: { lat: number; lng: number } } };
    return name || geohash || (geometry ? `${geometry.center.lat}, ${geometry.center.lng}` : entry);
  } catch {
    return entry;
  }
}

function Named({ sign, title, entries, all }: { sign: "+" | "−"; title: string; entries: readonly string[]; all: number }) {
  const say = useWords(words);
  if (entries.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>
        {title} {entries.length < all ? <span className="dim t12">{say("firstOf", { count: entries.length })}</span> : null}
      </h3>
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ul className={classes.lines} tabIndex={0} aria-label={title}>
        {entries.map((entry) => (
          <li key={entry} data-sign={sign}>
            <b aria-hidden="true">{sign}</b>
            <span className="user-text" dir="auto">
              {called(entry)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function ExportMenu({ path, id }: { path: FileBank; id: string }) {
  const say = useWords(words);
  const address = (format: "csv" | "json") => `/v1/${path}/${encodeURIComponent(id)}/export?format=${format}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="subtle" leftSection={<IconDownload className="icon" aria-hidden="true" />}>
          {say("export")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={address("csv")} download>
          {say("asCsv")}
        </Menu.Item>
        <Menu.Item component="a" href={address("json")} download>
          {say("asJson")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
