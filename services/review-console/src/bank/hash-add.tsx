/** Adding to a hash bank: hashes that somebody has, a file, or a CSV with its progress. */
import { Button, FileButton, SegmentedControl, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { asProblem } from "@/api/problem";
import { InertButton } from "@/control/inert";
import { Meter } from "@/control/meter";
import { Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { addFile, hashLines, importHashes, renewHashes, type HashBank, type Progress } from "./hash";
import { words } from "./hash-words";

const WAYS = ["byHash", "byFile", "byCsv"] as const;
const MOST = 1000;

export function AddHashes({ bank }: { bank: HashBank }) {
  const say = useWords(words);
  const [way, setWay] = useState<(typeof WAYS)[number]>("byHash");
  return (
    <Part title={say("add")} tools={<SegmentedControl size="xs" aria-label={say("add")} value={way} data={WAYS.map((value) => ({ value, label: say(value) }))} onChange={(value) => setWay(WAYS.find((one) => one === value) ?? "byHash")} />}>
      {way === "byHash" ? <ByHash bank={bank} /> : way === "byFile" ? <ByFile bank={bank} /> : <ByCsv bank={bank} />}
    </Part>
  );
}

function ByHash({ bank }: { bank: HashBank }) {
  const say = useWords(words);
  const [text, setText] = useState("");
  const { hashes, wrong } = hashLines(text);
  const add = useMutation({
    mutationFn: () => take(api.POST("/v1/hash-banks/{bank_id}/hashes", { params: { path: { bank_id: bank.id } }, body: { hashes } })),
    onSuccess: () => {
      setText("");
      renewHashes(bank.id);
    },
  });
  const why = wrong !== null ? say("lineWrong", { line: wrong }) : hashes.length === 0 ? say("addNone") : hashes.length > MOST ? say("tooMany") : null;
  return (
    <div className={classes.fields}>
      <Textarea size="xs" className={classes.mono} label={say("hashes")} description={say("hashesHint")} autosize minRows={3} maxRows={10} spellCheck={false} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      <span>
        <InertButton why={text === "" && add.data ? say("addedHashes", add.data) : why} size="xs" loading={add.isPending} onClick={() => add.mutate()}>
          {say("addNow", { count: hashes.length })}
        </InertButton>
      </span>
      {add.error ? <Problem error={add.error} /> : null}
    </div>
  );
}

function ByFile({ bank }: { bank: HashBank }) {
  const say = useWords(words);
  const add = useMutation({ mutationFn: (file: File) => addFile(bank.id, file), onSettled: () => renewHashes(bank.id) });
  return (
    <div className={classes.fields}>
      <p className="dim t12">{say("fileHint")}</p>
      <span>
        <FileButton onChange={(file) => (file ? add.mutate(file) : undefined)} accept="image/*,video/*">
          {(button) => (
            <Button {...button} size="xs" loading={add.isPending}>
              {say("chooseFile")}
            </Button>
          )}
        </FileButton>
      </span>
      <div role="status" className={classes.answer}>
        {add.error ? <Problem error={add.error} /> : add.data ? <FileSays of={add.data} /> : null}
      </div>
    </div>
  );
}

function FileSays({ of }: { of: Schema["FileAddedView"] }) {
  const say = useWords(words);
  return (
    <>
      <Severity level="done">{of.added === 0 ? say("fileKnown") : say("fileAdded", { kinds: [of.pdq ? say("pdq") : null, say("md5")].filter(Boolean).join(", "), quality: of.quality === null ? "none" : String(of.quality) })}</Severity>
      {of.pdq === null && of.quality !== null ? <Severity level="medium">{say("flat", { quality: of.quality })}</Severity> : null}
    </>
  );
}

function ByCsv({ bank }: { bank: HashBank }) {
  const say = useWords(words);
  const [progress, setProgress] = useState<Progress | null>(null);
  const run = useMutation({
    mutationFn: (file: File) => {
      setProgress(null);
      return importHashes(bank.id, file, setProgress);
    },
    onSettled: () => renewHashes(bank.id),
  });
  const faults = asProblem(run.error)?.faults ?? [];
  return (
    <div className={classes.fields}>
      <p className="dim t12">{say("csvHint")}</p>
      <span>
        <FileButton onChange={(file) => (file ? run.mutate(file) : undefined)} accept=".csv,text/csv">
          {(button) => (
            <Button {...button} size="xs" loading={run.isPending}>
              {say("chooseCsv")}
            </Button>
          )}
        </FileButton>
      </span>
      <div role="status" className={classes.answer}>
        {run.isPending && !progress ? <span className="dim">{say("sending", { name: run.variables.name })}</span> : null}
        {progress ? <Far of={progress} isOpen={run.isPending} /> : null}
      </div>
      {faults.length > 0 ? (
        <div role="alert">
          <p className="severe t13">{say("faults", { count: faults.length })}</p>
          <ul className={classes.lines}>
            {faults.map(({ pointer, reason }) => (
              <li key={pointer + reason} data-sign="!">
                <b className="severe" aria-hidden="true">
                  !
                </b>
                <span>
                  {pointer ? <span className="dim">{say("atLine", { line: pointer.replace(/^\//, "") })}</span> : null} {reason}
                </span>
              </li>
            ))}
          </ul>
        </div>
      ) : run.error && !progress ? (
        <Problem error={run.error} />
      ) : null}
    </div>
  );
}

function Far({ of, isOpen }: { of: Progress; isOpen: boolean }) {
  const say = useWords(words);
  if (of.finished) return <Severity level="done">{say("progressDone", { rows: of.rows, added: of.added, known: of.known })}</Severity>;
  if (of.error) return <Severity level="severe">{say("progressStopped", { done: of.done, rows: of.rows, why: of.error })}</Severity>;
  if (!isOpen) return <Severity level="severe">{say("progressBroke", { done: of.done, rows: of.rows })}</Severity>;
  return (
    <>
      <Meter share={of.rows === 0 ? 0 : of.done / of.rows} />
      <span className="tnum">{say("progress", { done: of.done, rows: of.rows, added: of.added })}</span>
    </>
  );
}
