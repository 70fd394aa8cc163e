/** The Hasher-Matcher-Actioner: whether one is asked, what it answers, which banks it has; its card at the right. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Schema } from "@/api/client";
import { InertButton } from "@/control/inert";
import { Problem, Skeleton } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { languageTag, useWords } from "@/words/words";

import { words } from "./hashes-words";
import { hmaQuery } from "./integration";
import classes from "./integration.module.css";

type Account = NonNullable<Schema["HmaView"]["account"]>;

const LIST = "/settings/integrations";
const PROJECT = "https://github.com/facebook/ThreatExchange/tree/main/hasher-matcher-actioner";
const CARD = ["what", "not", "false", "use", "sent"] as const;

export function HashesPage() {
  const say = useWords(words);
  const { data, error, isFetching, refetch } = useQuery(hmaQuery);
  const again = () => void refetch();
  useCommand({ id: "integration.try", scope: "page", keys: "T", label: say("tryKey"), enabled: Boolean(data?.account), run: again });
  return (
    <>
      <SettingsHead title={say("title")} within={{ to: LIST, name: say("within") }} facts={data ? <HmaState account={data.account} /> : null} />
      <div className={shared.page}>
        <div>
          {error && !data ? <Problem error={error} again={again} /> : null}
          {data || error ? null : <Skeleton lines={4} />}
          {data?.account ? <Answered account={data.account} /> : null}
          {data && !data.account ? (
            <Part title={say("own")}>
              <p className="t13">{say("ownText")}</p>
              <p className="dim t12">{say("accountHint")}</p>
              <Link to="/banks" search={{ kind: "hash" }} className="t13">
                {say("toBanks")}
              </Link>
            </Part>
          ) : null}
          <Part title={say("card")}>
            <dl className={classes.card}>
              {CARD.map((name) => (
                <div key={name}>
                  <dt>{say(name)}</dt>
                  <dd>{say(`${name}Text`)}</dd>
                </div>
              ))}
              <div>
                <dt>{say("more")}</dt>
                <dd>
                  <a href={PROJECT} target="_blank" rel="noreferrer">
                    {PROJECT}
                  </a>
                </dd>
              </div>
            </dl>
          </Part>
        </div>
        <div className={shared.beside}>
          {data?.account ? (
            <Part title={say("try")}>
              <p className="dim t12">{say("tryHint")}</p>
              <span>
                <InertButton why={null} size="xs" loading={isFetching} onClick={again} rightSection={<Keys of="integration.try" fallback="T" />}>
                  {say("try")}
                </InertButton>
              </span>
              <div role="status" className="t13">
                {isFetching ? null : <Verdict account={data.account} />}
              </div>
            </Part>
          ) : null}
          <Part title={say("exchanges")}>
            <p className="t13">{say("exchangesText")}</p>
            <Link to="/banks/exchanges" className="t13">
              {say("toExchanges")}
            </Link>
          </Part>
        </div>
      </div>
    </>
  );
}

/** In a word, as the list of integrations has it. */
export function HmaState({ account }: { account: Account | null }) {
  const say = useWords(words);
  if (!account) return <Severity level="none" quiet>{say("own")}</Severity>;
  return account.fault === null ? <Severity level="done" quiet>{say("answers")}</Severity> : <Severity level="severe" quiet>{say("silent")}</Severity>;
}

function Verdict({ account }: { account: Account }) {
  const say = useWords(words);
  if (account.fault === null) return <Severity level="done">{say("answersIn", { milliseconds: account.milliseconds ?? 0 })}</Severity>;
  return (
    <>
      <Severity level="severe">{say("silent")}</Severity>
      <p className="dim user-text">{account.fault}</p>
      <p className="dim">{say("silentText")}</p>
    </>
  );
}

function Answered({ account }: { account: Account }) {
  const say = useWords(words);
  const facts: readonly (readonly [string, ReactNode])[] = [
    [say("host"), <code key="host">{account.host}</code>],
    [say("token"), say(account.hasToken ? "tokenSet" : "tokenNone")],
  ];
  return (
    <>
      <Part title={say("account")}>
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <p className="dim t12">{say("accountHint")}</p>
      </Part>
      {account.fault === null ? (
        <Part title={say("banks")} facts={account.banks.length > 0 ? account.banks.length : null}>
          {account.banks.length === 0 ? <p className="dim t13">{say("banksNone")}</p> : <Banks banks={account.banks} />}
        </Part>
      ) : null}
    </>
  );
}

function Banks({ banks }: { banks: Account["banks"] }) {
  const say = useWords(words);
  const percent = new Intl.NumberFormat(languageTag(), { style: "percent", maximumFractionDigits: 2 });
  return (
    <table className={shared.table}>
      <thead>
        <tr>
          <th scope="col">{say("name")}</th>
          <th scope="col" className="num">
            {say("ratio")}
          </th>
        </tr>
      </thead>
      <tbody>
        {banks.map((one) => (
          <tr key={one.bankId}>
            <td className="mono">
              <Link to="/banks/hash/$bankId" params={{ bankId: one.bankId }}>
                {one.name}
              </Link>
            </td>
            <td className="num">{one.ratio === null ? <span className="dim">{say("absent")}</span> : percent.format(one.ratio)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
