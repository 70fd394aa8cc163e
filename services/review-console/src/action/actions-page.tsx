/** The actions of an organisation: what Coop may ask its platform to do. */
import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { useNames } from "@/configuration/names";
import { Empty } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { levelOf, Severity } from "@/look/severity";
import { DocumentList } from "@/settings/list";
import { useWords } from "@/words/words";

import { listOf, type Action } from "./action";
import { words } from "./words";

const route = getRouteApi("/_app/settings/actions");

export function ActionsPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const names = useNames();
  const open = (id: string) => void navigate({ to: "/settings/actions/$actionId", params: { actionId: id } });
  const forWhat = (row: Action) => [...(row.appliesToAllItemsOfKind ?? []).map((kind) => say(kind)), ...(row.itemTypeIds ?? []).map(names.itemType)].join(", ");
  return (
    <DocumentList
      id="actions"
      title={say("title")}
      newName={say("new")}
      query={listOf(search)}
      search={search}
      go={(change) => void navigate({ to: "/settings/actions", replace: true, search: { ...search, ...change } })}
      to={(id) => `/settings/actions/${id}`}
      open={open}
      under={(row) => row.description}
      columns={[
        { id: "penalty", header: say("penalty"), width: 112, cell: (row) => <Severity level={levelOf(row.penalty)} quiet>{say(row.penalty ?? "NONE")}</Severity> },
        { id: "for", header: say("forWhat"), width: 176, wide: true, cell: (row) => <span className="user-text">{forWhat(row) || "–"}</span> },
        { id: "address", header: say("address"), width: 200, wide: true, cell: (row) => <span className="dim">{row.actionType === "CUSTOM_ACTION" ? hostOf(row.callbackUrl) : say("builtIn")}</span> },
      ]}
      empty={
        <Empty
          title={say("emptyTitle")}
          next={
            <>
              <Button variant="filled" onClick={() => open("new")}>{say("new")}</Button>
              <HelpLink at="/settings/actions" />
            </>
          }
        >
          {say("emptyText")}
        </Empty>
      }
    />
  );
}

function hostOf(url: string | null | undefined): string {
  try {
    return new URL(url ?? "").host;
  } catch {
    return "–";
  }
}
