/** Routing: the rules of reports or of appeals in their order, and where an item would go by them. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";

import { InertButton } from "@/control/inert";
import { Empty, Pane, Problem, Skeleton } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Keys, useCommand } from "@/key/keys";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { SettingsHead } from "@/settings/head";
import shared from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { Order } from "./order";
import { classOf, routingQuery } from "./routing";
import classes from "./routing.module.css";
import { RoutingTrial } from "./trial";
import { words } from "./words";

const route = getRouteApi("/_app/routing");

export function RoutingPage() {
  const say = useWords(words);
  const navigate = useNavigate();
  const forAppeals = route.useSearch().appeals ?? false;
  const mayChange = usePermission("MANAGE_ROUTING_RULES");
  const { data, error, refetch } = useQuery(routingQuery);
  const rules = data ? classOf(data, forAppeals) : null;
  const create = () => void navigate({ to: "/routing/$ruleId", params: { ruleId: "new" }, search: { appeals: forAppeals || undefined } });
  useCommand({ id: "routing.new", scope: "list", keys: "C", label: say("newKey"), enabled: mayChange, run: create });
  const why = mayChange ? null : say("mayNot", { needs: calledBy("MANAGE_ROUTING_RULES") });
  return (
    <>
      <SettingsHead title={say("title")} facts={rules ? <span role="status">{say("facts", { count: rules.length })}</span> : null}>
        <InertButton why={why} size="xs" variant="filled" onClick={create} rightSection={<Keys of="routing.new" fallback="C" />}>
          {say("new")}
        </InertButton>
      </SettingsHead>
      <nav className={classes.tabs} aria-label={say("title")}>
        <Link to="/routing" search={{}} replace aria-current={forAppeals ? undefined : "page"}>
          {say("reports")}
        </Link>
        <Link to="/routing" search={{ appeals: true }} replace aria-current={forAppeals ? "page" : undefined}>
          {say("appeals")}
        </Link>
      </nav>
      <div className={shared.page} data-half>
        <div>
          <Pane>
            {error && !data ? (
              <Problem error={error} again={() => void refetch()} />
            ) : rules === null ? (
              <Skeleton lines={8} />
            ) : rules.length === 0 ? (
              <Empty
                title={say("emptyTitle")}
                next={
                  <>
                    {mayChange ? <Button onClick={create}>{say("new")}</Button> : null}
                    <HelpLink at="/routing" />
                  </>
                }
              >
                {say(forAppeals ? "emptyAppeals" : "emptyText")}
              </Empty>
            ) : (
              <Order key={String(forAppeals)} rules={rules} forAppeals={forAppeals} mayChange={mayChange} />
            )}
          </Pane>
        </div>
        <div className={shared.beside}>
          <Pane key={`test ${String(forAppeals)}`}>
            <RoutingTrial forAppeals={forAppeals} first={rules?.[0]?.itemTypeIds[0] ?? null} why={why} />
          </Pane>
        </div>
      </div>
    </>
  );
}
