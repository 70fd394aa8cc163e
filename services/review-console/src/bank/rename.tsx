/** What a bank is called and is for: changed without touching its entries. */
import { Button, Group, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import { renamed, type FileBank, type LocationBank, type TextBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./words";

interface Props {
  readonly path: FileBank;
  readonly bank: TextBank | LocationBank;
  readonly query: { readonly queryKey: readonly unknown[] };
}

export function Rename({ path, bank, query }: Props) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" variant="subtle" onClick={() => setOpen(true)}>
        {say("rename")}
      </Button>
      {isOpen ? <Form path={path} bank={bank} query={query} close={() => setOpen(false)} /> : null}
    </>
  );
}

function Form({ path, bank, query, close }: Props & { close: () => void }) {
  const say = useWords(words);
  const [began, setBegan] = useState(bank);
  const [name, setName] = useState(bank.name);
  const [description, setDescription] = useState(bank.description ?? "");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<string | null>(null);
  // What somebody else called it stands here as soon as it is known.
  if (theirs !== null && (bank.name !== began.name || bank.description !== began.description)) {
    setBegan(bank);
    setName(bank.name);
    setDescription(bank.description ?? "");
  }
  const save = async () => {
    if (isBusy || name.trim() === "") return;
    setBusy(true);
    setError(null);
    try {
      const kept = await renamed(path, began, { name: name.trim(), description });
      if (kept) {
        toast(say("renamed", { name: kept.name }));
        close();
      } else setTheirs(bank.updatedByPerson?.name ?? say("somebody"));
      await queries.invalidateQueries({ queryKey: query.queryKey });
      void queries.invalidateQueries({ queryKey: ["configuration"] });
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog opened onClose={close} title={say("renameTitle")} centered>
      <form
        className={classes.dialog}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextInput data-autofocus label={say("name")} autoComplete="off" data-1p-ignore value={name} onChange={(event) => setName(event.currentTarget.value)} error={name.trim() === "" ? say("nameNeeded") : null} />
        <Textarea label={say("description")} autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        {theirs === null ? null : (
          <p role="alert" className="high t13">
            {say("renameClash", { who: theirs })}
          </p>
        )}
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
