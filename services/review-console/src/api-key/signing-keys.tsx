/** What webhooks are signed with: the public keys and the states; a new one, and the old one's end. */
import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { Problem, Skeleton } from "@/control/state";
import { Severity } from "@/look/severity";
import { CopyButton } from "@/settings/code";
import { Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { useRun } from "./key-dialogs";
import { webhookKeysQuery, type WebhookKey } from "./query";
import { ShownOnce } from "./shown-once";
import { words } from "./words";

const SCHEMES = ["STANDARD_WEBHOOKS", "RSA_SHA256"] as const;
const renew = () => queries.invalidateQueries({ queryKey: ["configuration", "webhook-keys"] });

export function SigningKeys() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(webhookKeysQuery);
  const [rotating, setRotating] = useState<(typeof SCHEMES)[number] | null>(null);
  const [revoking, setRevoking] = useState<WebhookKey | null>(null);
  const [made, setMade] = useState<Schema["RotatedWebhookKeyView"] | null>(null);
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={3} />;
  const living = data.filter((key) => key.status !== "REVOKED").sort((a, b) => a.scheme.localeCompare(b.scheme) || b.createdAt.localeCompare(a.createdAt));
  return (
    <Part title={say("signing")} facts={say("signingHint")}>
      <div className={classes.scroll}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{say("scheme")}</th>
              <th scope="col">{say("state")}</th>
              <th scope="col">{say("made")}</th>
              <th scope="col">{say("publicKey")}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {living.map((key) => (
              <tr key={key.id}>
                <td>{say(key.scheme)}</td>
                <td>
                  <Severity level={key.status === "ACTIVE" ? "done" : "medium"}>{say(key.status)}</Severity>
                </td>
                <td>
                  <Moment at={key.createdAt} dated />
                </td>
                <td>{key.publicKey ? <CopyButton text={key.publicKey} /> : <span className="dim">–</span>}</td>
                <td>
                  {key.status === "RETIRING" ? (
                    <span className={classes.rowtools}>
                      <Button size="compact-xs" variant="subtle" onClick={() => setRevoking(key)}>
                        {say("revokeSigning")}
                      </Button>
                    </span>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="row g8">
        {SCHEMES.map((scheme) => (
          <Button key={scheme} size="compact-xs" onClick={() => setRotating(scheme)}>
            {say("rotateScheme", { scheme: say(scheme === "RSA_SHA256" ? "rsaShort" : "standardShort") })}
          </Button>
        ))}
      </div>
      {rotating ? (
        <RotateSigning
          scheme={rotating}
          close={() => setRotating(null)}
          made={(key) => {
            setRotating(null);
            setMade(key);
          }}
        />
      ) : null}
      {revoking ? <RevokeSigning of={revoking} close={() => setRevoking(null)} /> : null}
      {made?.secret ? (
        <ShownOnce title={say("secretTitle")} label={say("secret")} text={made.secret} close={() => setMade(null)}>
          <p className="t13">{say("secretText")}</p>
        </ShownOnce>
      ) : null}
    </Part>
  );
}

function RotateSigning({ scheme, close, made }: { scheme: (typeof SCHEMES)[number]; close: () => void; made: (key: Schema["RotatedWebhookKeyView"]) => void }) {
  const say = useWords(words);
  const { run, isBusy, error } = useRun();
  const rotate = () =>
    run(async () => {
      const key = await take(api.POST("/v1/webhook-keys/rotate", { body: { scheme } }));
      await renew();
      made(key);
    });
  return (
    <Dialog opened onClose={close} title={say("rotateSchemeTitle")} centered>
      <div className={classes.once}>
        <p className="t13">{say(scheme === "RSA_SHA256" ? "rotateSchemeRsa" : "rotateSchemeStandard")}</p>
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button data-autofocus onClick={close}>
            {say("keep")}
          </Button>
          <Button variant="filled" loading={isBusy} onClick={rotate}>
            {say("rotateNow")}
          </Button>
        </Group>
      </div>
    </Dialog>
  );
}

function RevokeSigning({ of, close }: { of: WebhookKey; close: () => void }) {
  const say = useWords(words);
  const { run, isBusy, error } = useRun();
  const revoke = () =>
    run(async () => {
      await take(api.POST("/v1/webhook-keys/{key_id}/revoke", { params: { path: { key_id: of.id } } }));
      await renew();
      close();
    });
  return (
    <Dialog opened onClose={close} title={say("revokeTitle", { name: say(of.scheme) })} centered>
      <div className={classes.once}>
        <p className="t13">{say("revokeSigningText")}</p>
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button data-autofocus onClick={close}>
            {say("keep")}
          </Button>
          <Button variant="filled" className={classes.final} loading={isBusy} onClick={revoke}>
            {say("revokeNow")}
          </Button>
        </Group>
      </div>
    </Dialog>
  );
}
