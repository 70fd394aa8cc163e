/** A given role that was changed, as it was given. */
import { Button, Group } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import { renewPeople, type Role } from "./query";
import { remove } from "./role";
import { words } from "./role-words";

export function ResetButton({ role, done }: { role: Role; done: () => Promise<unknown> }) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const reset = async () => {
    try {
      await remove(role);
      await done();
      renewPeople();
      setOpen(false);
      toast(say("resetDone", { name: role.name }));
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
    }
  };
  return (
    <>
      <Button size="xs" variant="subtle" onClick={() => setOpen(true)}>
        {say("reset")}
      </Button>
      <Dialog opened={isOpen} onClose={() => setOpen(false)} title={say("resetTitle", { name: role.name })} centered>
        <p className="t13">{say("resetText")}</p>
        {error ? <Problem error={error} /> : null}
        <Group mt="lg" gap="sm" justify="flex-end">
          <Button data-autofocus onClick={() => setOpen(false)}>
            {say("keep")}
          </Button>
          <Button variant="filled" onClick={() => void reset()}>
            {say("resetNow")}
          </Button>
        </Group>
      </Dialog>
    </>
  );
}
