/** What is rarely done with a job: give it to somebody, hold it, give it back, look it up. */
import { Button, Menu } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { IconDots } from "@tabler/icons-react";
import { lazy, useState } from "react";

import { Overlay } from "@/control/overlay";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { usePermission } from "@/session/session";
import { useWords } from "@/words/words";

import { giveBack, type Lease } from "./claim";
import type { Context } from "./context";
import { words } from "./keeping-words";

const KeepDialog = lazy(() => import("./keeping"));

function copy(text: string, told: string): void {
  void navigator.clipboard.writeText(text).then(() => toast(told));
}

/** The item as the platform sent it. */
function jsonOf({ id, typeId, typeVersion, data, creator }: Context["item"]): string {
  return JSON.stringify({ id, typeId, typeVersion, data, ...(creator ? { creator: { id: creator.id, typeId: creator.typeId } } : {}) }, null, 2);
}

export function JobMenu({ context, lease }: { context: Context; lease: Lease | null | undefined }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const [asked, setAsked] = useState<"assign" | "hold" | null>(null);
  const { job } = context;
  const leads = usePermission("EDIT_MRT_QUEUES");
  const investigates = usePermission("VIEW_INVESTIGATION");
  const isOpen = job.state === "PENDING";
  const mayAssign = isOpen && leads;
  const mayHold = isOpen && (leads || Boolean(lease));
  const look = () => void navigate({ to: "/investigate", search: { type: job.itemTypeId, id: job.itemId } });
  const toQueues = () => void navigate({ to: "/queues" });
  useCommand({ id: "job.investigate", scope: "job", keys: "O", label: say("investigate"), enabled: investigates, run: look });
  useCommand({ id: "job.menu", scope: "job", keys: "Shift+M", label: say("menuKey"), run: () => setOpened(true) });
  useCommand({ id: "job.assign", scope: "job", keys: "Shift+A", label: say("assign"), enabled: mayAssign, run: () => setAsked("assign") });
  useCommand({ id: "job.hold", scope: "job", keys: "Shift+H", label: say("hold"), enabled: mayHold, run: () => setAsked("hold") });
  return (
    <>
      <Menu opened={opened} onChange={setOpened} position="bottom-end" withinPortal>
        <Menu.Target>
          <Button size="xs" variant="subtle" px={6} aria-label={say("menu")}>
            <IconDots className="icon" aria-hidden="true" />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {investigates ? (
            <Menu.Item onClick={look} rightSection={<Keys of="job.investigate" fallback="O" />}>
              {say("investigate")}
            </Menu.Item>
          ) : null}
          <Menu.Item onClick={() => copy(location.href, say("linkCopied"))}>{say("copyLink")}</Menu.Item>
          {job.csam ? null : <Menu.Item onClick={() => copy(jsonOf(context.item), say("itemCopied"))}>{say("copyItem")}</Menu.Item>}
          {mayAssign ? (
            <Menu.Item onClick={() => setAsked("assign")} rightSection={<Keys of="job.assign" fallback="Shift+A" />}>
              {say("assign")}
            </Menu.Item>
          ) : null}
          {mayHold ? (
            <Menu.Item onClick={() => setAsked("hold")} rightSection={<Keys of="job.hold" fallback="Shift+H" />}>
              {say("hold")}
            </Menu.Item>
          ) : null}
          {lease ? (
            <Menu.Item onClick={() => void giveBack(job.id, lease.token).catch(() => undefined).then(toQueues)}>{say("giveBack")}</Menu.Item>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      <Overlay close={() => setAsked(null)}>{asked ? <KeepDialog as={asked} job={job} lease={lease} close={() => setAsked(null)} gone={toQueues} /> : null}</Overlay>
    </>
  );
}
