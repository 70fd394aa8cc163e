/** Identity providers of the organisation. */
import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";

import { Empty } from "@/control/state";
import { Severity } from "@/look/severity";
import { DocumentList } from "@/settings/list";
import { timeZone, useNow } from "@/time/moment";
import { languageTag, useWords } from "@/words/words";

import { ending, providersOf, type Provider } from "./provider";
import { words } from "./words";

const route = getRouteApi("/_app/settings/single-sign-on");

export function ProvidersPage() {
  const say = useWords(words);
  const search = route.useSearch();
  const navigate = useNavigate();
  const open = (id: string) => void navigate({ to: "/settings/single-sign-on/$providerId", params: { providerId: id } });
  return (
    <DocumentList
      id="identity-providers"
      title={say("title")}
      newName={say("new")}
      query={providersOf(search)}
      search={search}
      go={(change) => void navigate({ to: "/settings/single-sign-on", replace: true, search: { ...search, ...change } })}
      to={(id) => `/settings/single-sign-on/${id}`}
      open={open}
      columns={[
        { id: "scheme", header: say("scheme"), width: 144, wide: true, cell: (row) => say(row.scheme) },
        { id: "state", header: say("state"), width: 96, cell: (row) => <Severity level={row.enabled === false ? "none" : "done"} quiet>{say(row.enabled === false ? "off" : "on")}</Severity> },
        { id: "ends", header: say("ends"), width: 176, wide: true, cell: (row) => <Ends of={row} /> },
      ]}
      empty={
        <Empty title={say("emptyTitle")} next={<Button variant="filled" onClick={() => open("new")}>{say("new")}</Button>}>
          {say("emptyText")}
        </Empty>
      }
    />
  );
}

/** Of several the one that lasts longest: until then it signs. */
function Ends({ of }: { of: Provider }) {
  const say = useWords(words);
  const now = useNow(3600);
  const last = [...(of.certificates ?? [])].sort((a, b) => a.notAfter.localeCompare(b.notAfter)).at(-1);
  if (!last) return "–";
  const left = ending(last, now);
  const text = say("endsAt", { when: new Intl.DateTimeFormat(languageTag(), { dateStyle: "medium", timeZone: timeZone() }).format(new Date(last.notAfter)) });
  return left ? <Severity level={left === "expired" ? "severe" : "high"}>{text}</Severity> : text;
}
