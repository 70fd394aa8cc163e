/** The item types of an organisation: what its platform sends. */
import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { Empty } from "@/control/state";
import { HelpLink } from "@/help/help-link";
import { DocumentList } from "@/settings/list";
import { useWords } from "@/words/words";

import { listOf } from "./item-type";
import { words } from "./words";

const route = getRouteApi("/_app/settings/item-types");

export function ItemTypesPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const open = (id: string) => void navigate({ to: "/settings/item-types/$typeId", params: { typeId: id } });
  return (
    <DocumentList
      id="item-types"
      title={say("title")}
      newName={say("new")}
      query={listOf(search)}
      search={search}
      go={(change) => void navigate({ to: "/settings/item-types", replace: true, search: { ...search, ...change } })}
      to={(id) => `/settings/item-types/${id}`}
      open={open}
      under={(row) => row.description || (row.isDefaultUserType ? say("isDefault") : null)}
      columns={[
        { id: "kind", header: say("kind"), width: 112, cell: (row) => say(row.kind) },
        { id: "fields", header: say("fieldCount"), width: 72, numeric: true, cell: (row) => row.fields.length },
      ]}
      empty={
        <Empty
          title={say("emptyTitle")}
          next={
            <>
              <Button variant="filled" onClick={() => open("new")}>{say("new")}</Button>
              <HelpLink at="/settings/item-types" />
            </>
          }
        >
          {say("emptyText")}
        </Empty>
      }
    />
  );
}
