/**
 * Leaving a page with changes that were not saved is asked about: by a link, by Back, by closing the tab.
 */
import { Button, Group, Text } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";

import { Dialog } from "@/control/dialog";
import { useWords } from "@/words/words";

import { words } from "./words";

/** `left`: what was entered is given up. */
export function LeaveGuard({ dirty, left }: { dirty: boolean; left?: () => void }) {
  const say = useWords(words);
  const blocker = useBlocker({ shouldBlockFn: () => dirty, enableBeforeUnload: dirty, withResolver: true });
  if (blocker.status !== "blocked") return null;
  return (
    <Dialog opened onClose={blocker.reset} title={say("leaveTitle")} centered>
      <Text size="sm">{say("leaveText")}</Text>
      <Group mt="lg" gap="sm" justify="flex-end">
        <Button
          onClick={() => {
            left?.();
            blocker.proceed();
          }}
        >
          {say("leave")}
        </Button>
        <Button variant="filled" data-autofocus onClick={blocker.reset}>
          {say("stay")}
        </Button>
      </Group>
    </Dialog>
  );
}
