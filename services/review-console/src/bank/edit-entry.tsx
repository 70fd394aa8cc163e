/** One entry of a text bank, to be written anew. */
import { Button, Group, Textarea } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import { changeTexts, type TextBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./words";

export function EditEntry({ bank, entry, close }: { bank: TextBank; entry: string; close: () => void }) {
  const say = useWords(words);
  const [text, setText] = useState(entry);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async () => {
    if (isBusy || text.trim() === "") return;
    if (text === entry) {
      close();
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await changeTexts(bank, [text], [entry]);
      toast(say("edited"));
      close();
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog opened onClose={close} title={say("editTitle")} centered>
      <form
        className={classes.dialog}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Textarea data-autofocus label={say("entry")} className={bank.type === "REGEX" ? classes.mono : undefined} autosize minRows={1} maxRows={8} dir="auto" spellCheck={false} value={text} onChange={(event) => setText(event.currentTarget.value)} error={text.trim() === "" ? say("addNone") : null} />
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <Button type="submit" variant="filled" loading={isBusy}>
            {say("save")}
          </Button>
        </Group>
      </form>
    </Dialog>
  );
}
