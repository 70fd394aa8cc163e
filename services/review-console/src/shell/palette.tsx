/**
 * Ctrl K: pages, commands, what is configured, and whatever the search finds, by name or id.
 */

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconSearch } from "@tabler/icons-react";
import { Fragment, useEffect, useMemo, useState, type KeyboardEvent } from "react";

import { Dialog } from "@/control/dialog";
import { actionsQuery, itemTypesQuery, policiesQuery, queuesQuery } from "@/configuration/query";
import { useCommands, Written } from "@/key/keys";
import { keys } from "@/key/registry";
import { useSearch, type Hit as Found } from "@/search/query";
import { useSession } from "@/session/session";
import { BarredWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import { openGroups, openSettings } from "./navigation";
import classes from "./palette.module.css";
import { words } from "./words";

interface Hit {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly written?: string;
  /** Its name is what somebody wrote. */
  readonly isWritten?: boolean;
  /** What tells it from others of its kind. */
  readonly beside?: string;
  readonly run: (() => void) | null;
}

const MOST = 12;
const MOST_BESIDE = 6;

export default function Palette({ close }: { close: () => void }) {
  const say = useWords(words);
  const { wellness } = useSession();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const all = useEverything();
  const { hits: remote, settled } = useSearch(typed);
  const asHit = useAsHit();
  const local = useMemo(() => found(all, typed), [all, typed]);
  const more = remote.flatMap((hit) => asHit(hit) ?? []);
  const hits = [...(more.length > 0 ? local.slice(0, MOST_BESIDE) : local), ...more];
  const current = hits[Math.min(at, hits.length - 1)];
  useEffect(() => {
    document.getElementById(`hit-${current?.id}`)?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const open = (hit: Hit | undefined) => {
    if (!hit?.run) return;
    close();
    setTimeout(hit.run);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((hits.length + Math.min(at, hits.length - 1) + step) % Math.max(1, hits.length));
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) open(current);
  };
  return (
    <Dialog opened onClose={close} withCloseButton={false} padding={0} size={560} yOffset="8vh" aria-label={say("openPalette")}>
      <div className={classes.field}>
        <IconSearch className="icon dim" aria-hidden="true" />
        <input
          className={classes.input}
          data-autofocus
          role="combobox"
          aria-expanded="true"
          aria-controls="hits"
          aria-activedescendant={current ? `hit-${current.id}` : undefined}
          aria-label={say("search")}
          placeholder={say("search")}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
      </div>
      <div id="hits" role="listbox" className={classes.hits} aria-label={say("openPalette")}>
        {hits.map((hit, index) => (
          <Fragment key={hit.id}>
          {typed.trim() !== "" && hits[index - 1]?.kind !== hit.kind ? (
            <div className={classes.group} role="presentation">
              {hit.kind}
            </div>
          ) : null}
          {/* The field above has the keys; this is for the pointer. */}
          {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events */}
          <div id={`hit-${hit.id}`} role="option" tabIndex={-1} aria-selected={hit === current} className={classes.hit} onClick={() => open(hit)}>
            <span className="ell user-text">{hit.isWritten && wellness.veilText ? <BarredWords>{hit.name}</BarredWords> : hit.name}</span>{" "}
            <span className="end dim t12">{hit.beside ?? (typed.trim() === "" ? hit.kind : null)}</span>
            {hit.written ? <Written keys={hit.written} /> : null}
          </div>
          </Fragment>
        ))}
      </div>
      {hits.length === 0 ? (
        <p className={classes.none} role="status">
          {say(settled || typed.trim() === "" ? "nothingFound" : "searching")}
        </p>
      ) : null}
    </Dialog>
  );
}

/** Where what the search found has its page; null where it has none that is open to this person. */
function useAsHit(): (hit: Found) => Hit | null {
  const say = useWords(words);
  const navigate = useNavigate();
  const { permissions } = useSession();
  const itemTypes = useQuery({ ...itemTypesQuery, retry: false }).data ?? [];
  const queues = useQuery({ ...queuesQuery, retry: false, enabled: permissions.includes("VIEW_MRT") }).data ?? [];
  const nameIn = (list: readonly { id: string; name: string }[], id: string | null) => list.find((one) => one.id === id)?.name;
  return (hit) => {
    const base = { id: `${hit.kind}.${hit.typeId ?? ""}.${hit.id}`, name: hit.name };
    const type = nameIn(itemTypes, hit.typeId);
    switch (hit.kind) {
      case "JOB":
        return { ...base, kind: say("job"), isWritten: true, beside: [type, nameIn(queues, hit.queueId)].filter(Boolean).join(" · "), run: () => void navigate({ to: "/jobs/$jobId", params: { jobId: hit.id } }) };
      case "USER":
      case "ITEM":
        if (!permissions.includes("VIEW_INVESTIGATION")) return null;
        return { ...base, kind: say(hit.kind === "USER" ? "user" : "item"), isWritten: hit.kind === "ITEM", beside: type, run: () => void navigate({ to: "/investigate", search: { type: hit.typeId ?? undefined, id: hit.id } }) };
      case "DECISION":
        if (!permissions.includes("VIEW_MRT_DATA")) return null;
        return { ...base, kind: say("decision"), beside: nameIn(queues, hit.queueId), run: () => void navigate({ to: "/decisions", search: { peek: hit.id } }) };
      case "PERSON":
        if (!permissions.includes("VIEW_MRT_DATA")) return null;
        return { ...base, kind: say("person"), beside: say("theirDecisions"), run: () => void navigate({ to: "/decisions", search: { by: [hit.id] } }) };
      default:
        return null;
    }
  };
}

function found(all: readonly Hit[], typed: string): Hit[] {
  const parts = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = (hit: Hit) => parts.every((part) => hit.name.toLocaleLowerCase().includes(part) || hit.id.toLocaleLowerCase().includes(part));
  return all.filter(fits).slice(0, MOST);
}

/** Pages first, then commands, then documents; a document that has no page yet is not offered. */
function useEverything(): Hit[] {
  const say = useWords(words);
  const navigate = useNavigate();
  const { permissions } = useSession();
  const commands = useCommands();
  const queues = useQuery({ ...queuesQuery, enabled: permissions.includes("VIEW_MRT") });
  const pages = [...openGroups(permissions), ...openSettings(permissions)].flatMap((group) => group.pages);
  const hasPage = (to: string) => pages.some((page) => page.to === to);
  const policies = useQuery({ ...policiesQuery, enabled: hasPage("/policies") });
  const actions = useQuery({ ...actionsQuery, enabled: hasPage("/settings/actions") });
  const itemTypes = useQuery({ ...itemTypesQuery, enabled: hasPage("/settings/item-types") });
  const documents = (kind: string, to: string, items: readonly { id: string; name: string }[] | undefined): Hit[] =>
    (hasPage(to) ? (items ?? []) : []).map(({ id, name }) => ({ id, name, kind, run: () => void navigate({ to: `${to}/${id}` as "/queues" }) }));
  return [
    ...pages.map((page) => ({ id: `go.${page.name}`, name: say(page.name), kind: say("pages"), written: page.keys, run: () => void navigate({ to: page.to as "/queues" }) })),
    ...commands
      .filter((one) => one.enabled !== false && !one.id.startsWith("go.") && one.id !== "shell.palette" && one.scope !== "dialog")
      .map((one) => ({ id: one.id, name: one.label, kind: say("commands"), written: keys.keysOf(one)[0], run: () => one.run(new KeyboardEvent("keydown")) })),
    ...(queues.data ?? []).map(({ id, name }) => ({ id, name, kind: say("queue"), run: () => void navigate({ to: "/queues", search: { peek: id } }) })),
    ...documents(say("policy"), "/policies", policies.data),
    ...documents(say("action"), "/settings/actions", actions.data),
    ...documents(say("itemType"), "/settings/item-types", itemTypes.data),
  ];
}
