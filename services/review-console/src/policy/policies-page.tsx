/** Policies: the tree of all at the left, the one that was chosen beside it. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { policiesQuery } from "@/configuration/query";
import { Empty, Pane } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { Keys, useCommand } from "@/key/keys";
import { SettingsHead } from "@/settings/head";
import { useWords } from "@/words/words";

import { PolicyForm } from "./policy-form";
import classes from "./policy.module.css";
import { Tree } from "./tree";
import { words } from "./words";

const one = getRouteApi("/_app/policies_/$policyId");

export function PoliciesPage() {
  const say = useWords(words);
  const create = useCreate();
  const { data } = useQuery(policiesQuery);
  return (
    <>
      <SettingsHead title={say("title")} facts={data ? say("facts", { count: data.length }) : null}>
        <Button size="xs" variant="filled" onClick={create} rightSection={<Keys of="policies.new" fallback="C" />}>
          {say("new")}
        </Button>
      </SettingsHead>
      {data?.length === 0 ? (
        <Empty
          title={say("emptyTitle")}
          next={
            <>
              <Button onClick={create}>{say("new")}</Button>
              <HelpLink at="/policies" />
            </>
          }
        >
          {say("emptyText")}
        </Empty>
      ) : (
        <div className={classes.split}>
          <div>
            <Pane>
              <Tree chosen={null} />
            </Pane>
          </div>
          <p className={`dim ${classes.choose ?? ""}`}>{say("choose")}</p>
        </div>
      )}
    </>
  );
}

export function PolicyPage() {
  const { policyId } = one.useParams();
  const { parent } = one.useSearch();
  useCreate();
  const id = policyId === "new" ? null : policyId;
  return (
    <div className={classes.split} data-one>
      <div>
        <Pane>
          <Tree chosen={id} />
        </Pane>
      </div>
      <div>
        <Pane key={`${policyId} ${parent ?? ""}`}>
          <PolicyForm id={id} parent={parent ?? null} />
        </Pane>
      </div>
    </div>
  );
}

function useCreate(): () => void {
  const say = useWords(words);
  const navigate = useNavigate();
  const create = () => void navigate({ to: "/policies/$policyId", params: { policyId: "new" } });
  useCommand({ id: "policies.new", scope: "list", keys: "C", label: say("newKey"), run: create });
  return create;
}
