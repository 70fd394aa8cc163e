/** What is shown once: it is copied here, or never. It is closed by saying so, not by a slip. */
import { Button, Group } from "@mantine/core";
import type { ReactNode } from "react";

import { Dialog } from "@/control/dialog";
import { Code, CopyButton } from "@/settings/code";
import classes from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { words } from "./words";

interface Props {
  readonly title: string;
  readonly label: string;
  readonly text: string;
  readonly close: () => void;
  readonly children: ReactNode;
}

export function ShownOnce({ title, label, text, close, children }: Props) {
  const say = useWords(words);
  return (
    <Dialog opened onClose={close} title={title} centered size="lg" closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
      <div className={classes.once}>
        {children}
        <div className={classes.strip}>
          <b>{label}</b>
          <span className="end">
            <CopyButton text={text} />
          </span>
        </div>
        <Code label={label} text={text} />
      </div>
      <Group mt="lg" justify="flex-end">
        <Button variant="filled" onClick={close}>
          {say("kept")}
        </Button>
      </Group>
    </Dialog>
  );
}
