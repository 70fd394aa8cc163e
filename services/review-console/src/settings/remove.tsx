/** Removing a document: not while something uses it, which is named; and only after it was asked about. */
import { Button, Group } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import type { Told } from "./documents";
import classes from "./settings.module.css";
import { words } from "./words";

interface Props {
  readonly document: Told & { readonly name: string };
  readonly remove: () => Promise<unknown>;
  readonly done: () => void;
}

export function RemoveButton({ document, remove, done }: Props) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const count = document.usedByCount ?? 0;
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await remove();
      setOpen(false);
      toast(say("removed", { name: document.name }));
      void queries.invalidateQueries({ queryKey: ["configuration"] });
      done();
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button size="xs" variant="subtle" onClick={() => setOpen(true)}>
        {say("remove")}
      </Button>
      <Dialog opened={isOpen} onClose={() => setOpen(false)} title={say("removeTitle", { name: document.name })} centered>
        {count > 0 ? (
          <>
            <p className="t13">{say("cannotRemove", { count })}</p>
            <UsedBy document={document} />
          </>
        ) : (
          <p className="t13">{say("removeText")}</p>
        )}
        {error ? <Problem error={error} /> : null}
        <Group mt="lg" gap="sm" justify="flex-end">
          <Button data-autofocus onClick={() => setOpen(false)}>
            {say("keep")}
          </Button>
          {count > 0 ? null : (
            <Button variant="filled" className={classes.final} loading={isBusy} onClick={() => void run()}>
              {say("removeNow")}
            </Button>
          )}
        </Group>
      </Dialog>
    </>
  );
}

/** What refers to a document, by kind and name. */
export function UsedBy({ document }: { document: Told }) {
  const say = useWords(words);
  const used = document.usedBy ?? [];
  const more = (document.usedByCount ?? 0) - used.length;
  if (used.length === 0) return <p className="dim t13">{say("usedNowhere")}</p>;
  return (
    <ul className={classes.used}>
      {used.map((one) => (
        <li key={`${one.kind} ${one.id}`}>
          <span className="dim">{say(one.kind)}</span>
          <span className="user-text">{one.name}</span>
        </li>
      ))}
      {more > 0 ? <li className="dim">{say("more", { count: more })}</li> : null}
    </ul>
  );
}
