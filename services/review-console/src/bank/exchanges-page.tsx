/** Exchanges: which fill the hash banks, how far each is, and adding one. */
import { useQuery } from "@tanstack/react-query";

import { api, take } from "@/api/client";
import { whole } from "@/configuration/query";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { Part } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { exchangesQuery } from "./exchange";
import { AddExchange } from "./exchange-add";
import { ExchangeLine } from "./exchange-line";
import { words } from "./exchange-words";
import { words as bankWords } from "./words";

const banksQuery = {
  queryKey: ["configuration", "hash-banks"],
  queryFn: () => whole((query) => take(api.GET("/v1/hash-banks", { params: { query } }))),
} as const;

export function ExchangesPage() {
  const say = useWords(words);
  const sayBank = useWords(bankWords);
  const mayChange = usePermission("MUTATE_LIVE_RULES");
  const { data, error, refetch } = useQuery(exchangesQuery);
  const banks = useQuery(banksQuery).data;
  return (
    <>
      <SettingsHead title={say("title")} within={{ to: "/banks", search: { kind: "hash" }, name: sayBank("title") }} facts={data ? <span role="status">{say("facts", { count: data.items.length })}</span> : null} />
      <div className={shared.page}>
        <div>
          {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
          {data || error ? null : <Skeleton lines={6} />}
          {data && data.items.length === 0 ? <Empty title={say("emptyTitle")}>{say("empty")}</Empty> : null}
          {data && data.items.length > 0 ? (
            <Part title={say("list")} facts={say("pauseHint")}>
              <ul className={classes.exchanges}>
                {data.items.map((one) => (
                  <ExchangeLine key={one.id} of={one} bank={banks?.find(({ id }) => id === one.bankId)} offer={data.offers.find(({ kind }) => kind === one.kind)} mayChange={mayChange} />
                ))}
              </ul>
            </Part>
          ) : null}
        </div>
        <div className={shared.beside}>
          {!mayChange ? (
            <Part title={say("add")}>
              <p className="dim t13">{say("mayNot", { needs: calledBy("MUTATE_LIVE_RULES") })}</p>
            </Part>
          ) : data && banks ? (
            <Pane>
              <AddExchange offers={data.offers} banks={banks} />
            </Pane>
          ) : null}
        </div>
      </div>
    </>
  );
}
