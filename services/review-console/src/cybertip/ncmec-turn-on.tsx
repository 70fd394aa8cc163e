/** Before reporting is on: what becomes real, in words, and the company's name, typed. */
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { queuesQuery } from "@/configuration/query";
import { Dialog } from "@/control/dialog";
import { useWords } from "@/words/words";

import type { Values } from "./ncmec";
import { words } from "./ncmec-words";

export function TurnOn({ values, close, turn }: { values: Values; close: () => void; turn: () => void }) {
  const say = useWords(words);
  const [typed, setTyped] = useState("");
  const queues = useQuery(queuesQuery).data ?? [];
  const names = values.productionQueueIds.map((id) => queues.find((one) => one.id === id)?.name ?? id);
  const isRight = typed.trim() === values.companyReportName.trim();
  return (
    <Dialog opened onClose={close} title={say("dialogTitle")}>
      <p className="t13 user-text">{say("dialogText", { count: names.length, queues: names.join(", ") })}</p>
      <TextInput mt={12} size="sm" autoComplete="off" label={say("dialogType")} placeholder={values.companyReportName} value={typed} error={typed !== "" && !values.companyReportName.trim().startsWith(typed.trim()) ? say("dialogWrong") : null} onChange={(event) => setTyped(event.currentTarget.value)} />
      <Button mt={12} variant="filled" aria-disabled={!isRight} onClick={() => (isRight ? turn() : undefined)}>
        {say("turnOnNow")}
      </Button>
    </Dialog>
  );
}
