/** Keys: what a platform sends with, and what it knows webhooks by. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import classes from "@/settings/settings.module.css";
import { Moment, useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { NewKeyDialog, RevokeDialog, RotateDialog, type Created } from "./key-dialogs";
import { apiKeysQuery, isEnded, type ApiKey } from "./query";
import { ShownOnce } from "./shown-once";
import { SigningKeys } from "./signing-keys";
import { Verify } from "./verify-sample";
import { words } from "./words";

const HOUR_MS = 3_600_000;
type Asked = { readonly what: "new" } | { readonly what: "rotate" | "revoke"; readonly key: ApiKey } | null;

export function KeysPage() {
  const say = useWords(words);
  const [asked, setAsked] = useState<Asked>(null);
  const [created, setCreated] = useState<{ key: Created; until: string | null } | null>(null);
  const close = () => setAsked(null);
  const made = (key: Created, hours: number | null) => {
    setAsked(null);
    setCreated({ key, until: hours === null ? null : new Date(Date.parse(key.createdAt) + hours * HOUR_MS).toISOString() });
  };
  useCommand({ id: "keys.new", scope: "list", keys: "C", label: say("newKey"), run: () => setAsked({ what: "new" }) });
  return (
    <>
      <SettingsHead title={say("title")}>
        <Button size="xs" variant="filled" onClick={() => setAsked({ what: "new" })} rightSection={<Keys of="keys.new" fallback="C" />}>
          {say("new")}
        </Button>
      </SettingsHead>
      <div className={classes.page} data-half>
        <div>
          <Pane>
            <ApiKeys ask={setAsked} />
          </Pane>
          <Pane>
            <SigningKeys />
          </Pane>
        </div>
        <div className={classes.beside}>
          <Verify />
        </div>
      </div>
      {asked?.what === "new" ? <NewKeyDialog close={close} made={(key) => made(key, null)} /> : null}
      {asked?.what === "rotate" ? <RotateDialog of={asked.key} close={close} made={made} /> : null}
      {asked?.what === "revoke" ? <RevokeDialog of={asked.key} close={close} /> : null}
      {created?.key.key ? (
        <ShownOnce title={say("createdTitle")} label={say("yourKey")} text={created.key.key} close={() => setCreated(null)}>
          <p className="t13">{say("createdText")}</p>
          {created.until ? <p className="t13">{say.rich("rotatedText", { name: created.key.name, when: <Moment at={created.until} dated /> })}</p> : null}
        </ShownOnce>
      ) : null}
    </>
  );
}

function ApiKeys({ ask }: { ask: (asked: Asked) => void }) {
  const say = useWords(words);
  const now = useNow();
  const [isAll, setAll] = useState(false);
  const { data, error, refetch } = useQuery(apiKeysQuery);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={4} />;
  const newest = [...data].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  const ended = newest.filter((key) => isEnded(key, now));
  const shown = isAll ? newest : newest.filter((key) => !isEnded(key, now));
  return (
    <Part title={say("apiKeys")} facts={say("apiKeysHint")}>
      {data.length === 0 ? (
        <Empty
          title={say("emptyTitle")}
          next={
            <>
              <Button onClick={() => ask({ what: "new" })}>{say("new")}</Button>
              <HelpLink at="/settings/keys" />
            </>
          }
        >
          {say("emptyText")}
        </Empty>
      ) : (
        <div className={classes.scroll}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">{say("name")}</th>
                <th scope="col">{say("scopes")}</th>
                <th scope="col">{say("made")}</th>
                <th scope="col">{say("used")}</th>
                <th scope="col">{say("state")}</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {shown.map((key) => (
                <KeyRow key={key.id} of={key} now={now} ask={ask} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {ended.length > 0 ? (
        <div>
          <Button size="compact-xs" variant="subtle" onClick={() => setAll(!isAll)}>
            {isAll ? say("hideEnded") : say("showEnded", { count: ended.length })}
          </Button>
        </div>
      ) : null}
    </Part>
  );
}

function KeyRow({ of, now, ask }: { of: ApiKey; now: number; ask: (asked: Asked) => void }) {
  const say = useWords(words);
  const hasEnded = isEnded(of, now);
  const at = of.revokedAt ?? of.expiresAt;
  const state = of.revokedAt ? "revoked" : hasEnded ? "ended" : of.replacedBy ? "replaced" : of.expiresAt ? "endsOn" : "inUse";
  return (
    <tr>
      <td>
        <b className="med user-text">{of.name}</b>
        {of.description ? <div className="dim t12 user-text">{of.description}</div> : null}
      </td>
      <td>{of.scopes.length === 0 ? say("allScopes") : of.scopes.map((one) => say(one)).join(", ")}</td>
      <td>
        <Moment at={of.createdAt} dated />
        {of.createdByPerson ? <div className="dim t12 user-text">{of.createdByPerson.name}</div> : null}
      </td>
      <td>{of.lastUsedAt ? <Moment at={of.lastUsedAt} relative /> : <span className="dim">{say("notUsed")}</span>}</td>
      <td>
        <Severity level={hasEnded ? "none" : of.replacedBy ? "medium" : "done"}>{say.rich(state, { when: at ? <Moment at={at} dated /> : "" })}</Severity>
      </td>
      <td>
        {hasEnded ? null : (
          <span className={classes.rowtools}>
            {of.replacedBy ? null : (
              <Button size="compact-xs" onClick={() => ask({ what: "rotate", key: of })} aria-label={`${say("rotate")} ${of.name}`}>
                {say("rotate")}
              </Button>
            )}
            <Button size="compact-xs" variant="subtle" onClick={() => ask({ what: "revoke", key: of })} aria-label={`${say("revoke")} ${of.name}`}>
              {say("revoke")}
            </Button>
          </span>
        )}
      </td>
    </tr>
  );
}
