/** What to enter at the provider, and what became of signing in by it. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconExternalLink } from "@tabler/icons-react";

import type { Schema } from "@/api/client";
import { CopyChip } from "@/control/id-chip";
import { Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";
import { settingsQuery } from "@/wellness/organisation";

import { triesQuery, type Provider } from "./provider";
import own from "./single-sign-on.module.css";
import { words } from "./words";

/** Names of Okta's own choices: as they are read there, in any language of ours. */
const OKTA = { nameIdFormat: "EmailAddress", username: "Email", signing: "Signed, RSA-SHA256, SHA256", encryption: "Unencrypted" } as const;

export function Paste({ of }: { of: Provider }) {
  const say = useWords(words);
  const { acsUrl, entityId, redirectUri, signInUrl } = of.serviceProvider;
  const copied = (text: string) => <CopyChip text={text} shown={text} />;
  return (
    <Part title={say("paste")}>
      <p className="dim t12">{say(of.scheme === "SAML" ? "pasteOkta" : "pasteOidc")}</p>
      <dl className={own.paste}>
        {of.scheme === "SAML" ? (
          <>
            <dt>{say("acsUrl")}</dt>
            <dd>{copied(acsUrl)}</dd>
            <dt>{say("audience")}</dt>
            <dd>{copied(entityId)}</dd>
            <dt>{say("relayState")}</dt>
            <dd className="dim">{say("empty")}</dd>
            {(["nameIdFormat", "username", "signing", "encryption"] as const).map((name) => (
              <div key={name}>
                <dt>{say(name)}</dt>
                <dd>{OKTA[name]}</dd>
              </div>
            ))}
          </>
        ) : (
          <>
            <dt>{say("redirectUri")}</dt>
            <dd>{copied(redirectUri)}</dd>
          </>
        )}
        <dt>{say("signInUrl")}</dt>
        <dd>
          {copied(signInUrl)}
          <span className="dim t12">{say("signInHint")}</span>
        </dd>
      </dl>
    </Part>
  );
}

export function RoundTrip({ of, dirty }: { of: Provider; dirty: boolean }) {
  const say = useWords(words);
  const { data, error } = useQuery(triesQuery(of.id));
  const isRequired = useQuery(settingsQuery).data?.requiresSingleSignOn;
  const why = dirty ? say("testUnsaved") : of.enabled === false ? say("testOff") : null;
  const tries = (data?.items ?? []).filter((one) => one.action === "session.created" || one.action === "session.refused");
  return (
    <Part title={say("test")}>
      <p className="dim t12">{say("testHint")}</p>
      {why === null ? (
        <>
          <span>
            <Button component="a" href={of.serviceProvider.signInUrl} target="_blank" rel="noreferrer" size="xs" leftSection={<IconExternalLink className="icon" aria-hidden="true" />}>
              {say("testOpen")}
            </Button>
          </span>
          <p className="dim t12">{say("testCopy")}</p>
        </>
      ) : (
        <p className="t13">{why}</p>
      )}
      <h3>{say("tries")}</h3>
      <div role="status">
        {error && !data ? <Problem error={error} /> : tries.length === 0 ? <p className="dim t13">{data ? say("noTry") : null}</p> : null}
        <ol className={own.tries}>
          {tries.map((one) => (
            <Try key={one.sequence} of={one} />
          ))}
        </ol>
      </div>
      <p className="t12 dim">
        {say(isRequired ? "required" : "notRequired")} <Link to="/settings/general" className={own.inline}>{say("toGeneral")}</Link>
      </p>
    </Part>
  );
}

const REASONS = ["state", "ticket", "unknown", "inactive", "suspended", "network", "status", "json", "discovery", "signature", "unsigned", "encrypted", "algorithm", "audience", "recipient", "issuer", "time", "email", "unverified", "request", "address"] as const;
/** They say the same to whoever sets it up. */
const ALIKE: Readonly<Record<string, string>> = { replay: "request", nonce: "request", browser: "request" };

function Try({ of }: { of: Schema["AuditEntry"] }) {
  const say = useWords(words);
  const isIn = of.action === "session.created";
  const reason = typeof of.detail.reason === "string" ? of.detail.reason : "";
  const known = REASONS.find((one) => one === (ALIKE[reason] ?? reason));
  return (
    <li>
      <Severity level={isIn ? "done" : "severe"}>
        <span className="user-text">{isIn ? say("worked", { name: of.actorPerson?.name ?? say("somebody") }) : say("refused")}</span>
      </Severity>
      <span className="dim t12">
        <Moment at={of.time} relative />
      </span>
      {isIn ? null : <p>{known ? say(`r_${known}`) : say("r_other", { reason })}</p>}
    </li>
  );
}
