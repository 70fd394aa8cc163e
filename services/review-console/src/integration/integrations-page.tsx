/** Integrations: which there are, in what state each is. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Pane, Problem, Skeleton } from "@/control/state";
import { Severity } from "@/look/severity";
import { SettingsHead } from "@/settings/head";
import { Part } from "@/settings/document-form";
import shared from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { HmaState } from "./hashes-page";
import { hmaQuery, integrationsQuery, isSecret, type Available } from "./integration";
import classes from "./integration.module.css";
import { words } from "./words";

export function IntegrationsPage() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(integrationsQuery);
  const inUse = data?.items.filter((one) => one.account?.enabled || (one.manifest && !one.manifest.requiresConfig)).length ?? 0;
  return (
    <>
      <SettingsHead title={say("title")} facts={data ? <span role="status">{say("facts", { on: inUse, all: data.items.length })}</span> : null} />
      <div className={classes.list}>
        {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
        {data || error ? null : <Skeleton lines={6} />}
        {data ? (
          <ul>
            {data.items.map((one) => (
              <Line key={one.id} of={one} />
            ))}
            <Pane>
              <HashesLine />
            </Pane>
          </ul>
        ) : null}
        {data && data.problems.length > 0 ? (
          <Part title={say("plugins")}>
            <ul className={shared.faults}>
              {data.problems.map((one) => (
                <li key={`${one.distribution} ${one.entryPoint}`}>
                  {one.distribution} {one.entryPoint}: {one.reason}
                </li>
              ))}
            </ul>
          </Part>
        ) : null}
      </div>
    </>
  );
}

export function StateMark({ of }: { of: Available }) {
  const say = useWords(words);
  if (!of.manifest) return <Severity level="severe" quiet>{say("broken")}</Severity>;
  if (of.account) return of.account.enabled ? <Severity level="done" quiet>{say("on")}</Severity> : <Severity level="medium" quiet>{say("off")}</Severity>;
  return <Severity level="none" quiet>{say(of.manifest.requiresConfig ? "none" : "needless")}</Severity>;
}

function Line({ of }: { of: Available }) {
  const say = useWords(words);
  const secrets = of.manifest?.configFields.filter(isSecret) ?? [];
  const kept = of.account?.credentialNames ?? [];
  return (
    <li className={classes.line}>
      <span className={classes.says}>
        <Link to="/settings/integrations/$integrationId" params={{ integrationId: of.id }} className="med">
          {of.manifest?.name ?? of.id}
        </Link>
        <span className="dim t12">{of.manifest?.modelCard.policyAndTaxonomy}</span>
      </span>
      <span className={classes.fact}>
        <StateMark of={of} />
        {secrets.length > 0 ? <span className="dim t12">{secrets.map((field) => `${field.label}: ${say(kept.includes(field.key) ? "set" : "notSet")}`).join(", ")}</span> : null}
      </span>
    </li>
  );
}

function HashesLine() {
  const say = useWords(words);
  const { data, error } = useQuery(hmaQuery);
  return (
    <li className={classes.line}>
      <span className={classes.says}>
        <Link to="/settings/integrations/hashes" className="med">
          {say("hma")}
        </Link>
        <span className="dim t12">{say("hmaText")}</span>
      </span>
      <span className={classes.fact} role="status">
        {data ? <HmaState account={data.account} /> : error ? <Severity level="severe" quiet>{say("hmaAway")}</Severity> : null}
      </span>
    </li>
  );
}
