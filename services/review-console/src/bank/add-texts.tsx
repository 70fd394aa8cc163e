/** Entries written or pasted into a text bank, one a line. */
import { Button, Group, Textarea } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { Dialog } from "@/control/dialog";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import { changeTexts, linesOf, type TextBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./words";

export function AddTexts({ bank, close }: { bank: TextBank; close: () => void }) {
  const say = useWords(words);
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const lines = linesOf(text);
  const faults = asProblem(error)?.faults ?? [];
  const add = async () => {
    setBusy(true);
    setError(null);
    try {
      const { added } = await changeTexts(bank, lines, []);
      toast(say("added", { count: added }));
      close();
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog opened onClose={close} title={say("add")} size="lg" centered>
      <div className={classes.dialog}>
        <Textarea data-autofocus label={say("entries")} description={say("addHint")} className={bank.type === "REGEX" ? classes.mono : undefined} autosize minRows={6} maxRows={16} dir="auto" spellCheck={false} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        {faults.length > 0 ? <FaultLines faults={faults} lines={lines} /> : error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <InertButton why={lines.length === 0 ? say("addNone") : null} variant="filled" loading={isBusy} onClick={() => void add()}>
            {say("addNow", { count: lines.length })}
          </InertButton>
        </Group>
      </div>
    </Dialog>
  );
}

/** Which of the lines cannot be entries, and why. */
function FaultLines({ faults, lines }: { faults: readonly { pointer: string; reason: string }[]; lines: readonly string[] }) {
  return (
    <div role="alert">
      <ul className={classes.lines}>
        {faults.map(({ pointer, reason }) => (
          <li key={pointer + reason} data-sign="!">
            <b className="severe" aria-hidden="true">
              !
            </b>
            <span>
              <span className="user-text med">{lines[Number(pointer.split("/").at(-1))] ?? pointer}</span> <span className="severe">{reason}</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
