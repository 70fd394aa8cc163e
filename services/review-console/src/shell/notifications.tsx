/** The bell: how many are unread, live; the list opens below it. */
import { Button, Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconBell } from "@tabler/icons-react";
import { useState } from "react";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { Empty, Problem, Skeleton } from "@/control/state";
import { useLive } from "@/live/stream";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { Sentence } from "./notification";
import classes from "./shell.module.css";
import { words } from "./words";

export function Notifications() {
  const say = useWords(words);
  const [open, setOpen] = useState(false);
  const unread = useLive("notifications")?.unread ?? 0;
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus>
      <Popover.Target>
        <button type="button" className={classes.item} aria-expanded={open} onClick={() => setOpen(!open)}>
          <IconBell className="icon" aria-hidden="true" />
          <span className="hidden">{say("unread", { count: unread })}</span>
          {unread > 0 ? (
            <>
              <i className={classes.dot} />
              <b aria-hidden="true">{unread}</b>
            </>
          ) : null}
        </button>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label={say("notifications")}>{open ? <List close={() => setOpen(false)} /> : null}</Popover.Dropdown>
    </Popover>
  );
}

function List({ close }: { close: () => void }) {
  const say = useWords(words);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["notifications"],
    queryFn: ({ signal }) => take(api.GET("/v1/notifications", { params: { query: { limit: 30 } }, signal })),
  });
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (isPending) return <Skeleton lines={4} />;
  if (data.items.length === 0) return <Empty title={say("noNotifications")}>{say("noNotificationsText")}</Empty>;
  const read = async () => {
    await api.POST("/v1/notifications/read", { body: {} });
    await queries.invalidateQueries({ queryKey: ["notifications"] });
  };
  return (
    <>
      <div className="row g8" style={{ padding: "8px 12px" }}>
        <h2 className="grow">{say("notifications")}</h2>
        <Button size="compact-sm" onClick={() => void read()}>
          {say("markRead")}
        </Button>
      </div>
      <ul className={classes.notes}>
        {data.items.map((one) => (
          <li key={one.id} className={classes.note} data-unread={one.readAt === null || undefined}>
            <Sentence one={one} close={close} />
            <div className="t12 dim">
              <Moment at={one.createdAt} relative />
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
