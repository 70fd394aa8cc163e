/** Where I am signed in: each with its browser, address and times; ended one by one or all but this. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./door.module.css";
import { browserOf } from "./browser-name";
import { words } from "./words";

type Entry = Schema["SessionEntry"];

export function Sessions() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery({ queryKey: ["sessions"], queryFn: ({ signal }) => take(api.GET("/v1/me/sessions", { signal })) });
  const renew = () => queries.invalidateQueries({ queryKey: ["sessions"] });
  const one = useMutation({ mutationFn: (id: string) => take(api.DELETE("/v1/me/sessions/{session_id}", { params: { path: { session_id: id } } })), onSettled: renew });
  const others = useMutation({
    mutationFn: () => take(api.DELETE("/v1/me/sessions")),
    onSuccess: ({ ended }) => toast(say("ended", { count: ended })),
    onSettled: renew,
  });
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={3} />;
  const failed = one.error ?? others.error;
  const nameOf = (entry: Entry) => {
    const found = browserOf(entry.userAgent);
    if (!found.browser) return say("unknownBrowser");
    return found.system ? say("browserOn", { browser: found.browser, system: found.system }) : found.browser;
  };
  return (
    <div className={classes.list}>
      {failed ? <Problem error={failed} /> : null}
      <table className={classes.sessions}>
        <thead>
          <tr>
            <th scope="col">{say("browser")}</th>
            <th scope="col" className={classes.wide}>{say("address")}</th>
            <th scope="col" className={classes.wide}>{say("began")}</th>
            <th scope="col">{say("lastUsed")}</th>
            <th scope="col">
              <span className="hidden">{say("act")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {data.items.map((entry) => (
            <tr key={entry.id}>
              <td title={entry.userAgent}>{nameOf(entry)}</td>
              <td className={`mono ${classes.wide ?? ""}`}>{entry.ip}</td>
              <td className={classes.wide}>
                <Moment at={entry.createdAt} />
              </td>
              <td>
                <Moment at={entry.lastSeenAt} relative />
              </td>
              <td>
                {entry.isCurrent ? (
                  <span className="badge">{say("here")}</span>
                ) : (
                  <Button size="compact-sm" aria-label={say("endSession", { browser: nameOf(entry), address: entry.ip })} onClick={() => one.mutate(entry.id)}>
                    {say("signOut")}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.items.length > 1 ? (
        <div>
          <Button loading={others.isPending} onClick={() => others.mutate()}>
            {say("endOthers")}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
