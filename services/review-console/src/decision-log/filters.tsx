/** The filters as chips: they are the address. A chip opens what it is set by; × drops it. */
import { Button, Menu, MultiSelect, Popover, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconPlus, IconSearch, IconX } from "@tabler/icons-react";
import { useRef, useState } from "react";

import type { Names } from "@/configuration/names";
import { peopleQuery } from "@/configuration/query";
import { shortened } from "@/control/id-chip";
import { Keys, useCommand, Written } from "@/key/keys";
import { dayOf, moved } from "@/measure/window";
import { useSearch } from "@/search/query";
import { momentFormat, now, timeZone } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./decision-log.module.css";
import { countOf } from "./log";
import { SOURCES, TYPES, type Filters } from "./search";
import { words } from "./words";

const LISTS = ["queue", "by", "rule", "action", "policy", "type", "source"] as const;
type ListName = (typeof LISTS)[number];
const KINDS = ["when", ...LISTS] as const;
type Kind = (typeof KINDS)[number];

interface Props {
  readonly filters: Filters;
  readonly names: Names;
  readonly set: (change: Filters) => void;
}

export function FilterBar({ filters, names, set }: Props) {
  const say = useWords(words);
  const [editing, setEditing] = useState<Kind | null>(null);
  const [isAdding, setAdding] = useState(false);
  useCommand({ id: "decisions.filter", scope: "list", keys: "F", label: say("filterKey"), run: () => setAdding(true) });
  const isSet = (kind: Kind) => (kind === "when" ? Boolean(filters.since ?? filters.until) : filters[kind] !== undefined);
  const shown = KINDS.filter((kind) => isSet(kind) || kind === editing);
  return (
    <div className={classes.filters}>
      <Find set={set} />
      {shown.map((kind) => (
        <Chip key={kind} kind={kind} filters={filters} names={names} set={set} opened={editing === kind} open={(is) => setEditing(is ? kind : null)} />
      ))}
      <Fixed filters={filters} names={names} set={set} />
      <Menu opened={isAdding} onChange={setAdding} position="bottom-start" returnFocus={false}>
        <Menu.Target>
          <Button size="xs" leftSection={<IconPlus className="icon" aria-hidden="true" />} rightSection={<Keys of="decisions.filter" fallback="F" />}>
            {say("filter")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {KINDS.map((kind) => (
            <Menu.Item key={kind} onClick={() => setEditing(kind)}>
              {say(kind)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {countOf(filters) > 0 ? (
        <Button size="xs" variant="subtle" onClick={() => set(none(filters))}>
          {say("clear")}
        </Button>
      ) : null}
    </div>
  );
}

/** Every filter of an address, dropped. */
export function none(filters: Filters): Filters {
  return Object.fromEntries(Object.keys(filters).map((name) => [name, undefined]));
}

function useChoices(kind: ListName, names: Names): { value: string; label: string }[] {
  const say = useWords(words);
  const people = useQuery({ ...peopleQuery, retry: false, enabled: kind === "by" }).data ?? [];
  const listed = (list: readonly { id: string; name: string }[]) => list.map(({ id, name }) => ({ value: id, label: name }));
  switch (kind) {
    case "queue":
      return listed(names.queues);
    case "by":
      return listed(people);
    case "rule":
      return listed(names.rules);
    case "action":
      return listed(names.actions);
    case "policy":
      return names.policies.map(({ id }) => ({ value: id, label: names.policy(id) }));
    case "type":
      return TYPES.map((one) => ({ value: one, label: say(one) }));
    case "source":
      return SOURCES.map((one) => ({ value: one, label: say(one) }));
  }
}

const FIELDS = { since: "from", until: "to", queue: "queue", by: "by", rule: "rule", action: "action", policy: "policy", type: "type", source: "source", itemType: "item", item: "item", userType: "user", user: "user", job: "job" } as const;

/** What filters and their values are called, wherever a view of them is told. */
export function useCalled(names: Names): { name: (field: string) => string; value: (field: string, value: string) => string } {
  const say = useWords(words);
  const people = useQuery({ ...peopleQuery, retry: false }).data ?? [];
  const value = (field: string, one: string): string => {
    switch (field) {
      case "queue":
        return names.queue(one);
      case "by":
        return people.find((person) => person.id === one)?.name ?? shortened(one);
      case "rule":
        return names.rule(one);
      case "action":
        return names.action(one);
      case "policy":
        return names.policy(one);
      case "itemType":
      case "userType":
        return names.itemType(one);
      case "type":
        return TYPES.some((type) => type === one) ? say(one as (typeof TYPES)[number]) : one;
      case "source":
        return SOURCES.some((source) => source === one) ? say(one as (typeof SOURCES)[number]) : one;
      case "since":
      case "until":
        return shortDay(one);
      default:
        return shortened(one);
    }
  };
  const name = (field: string) => (Object.hasOwn(FIELDS, field) ? say(FIELDS[field as keyof typeof FIELDS]) : field);
  return { name, value };
}

interface ChipProps extends Props {
  readonly kind: Kind;
  readonly opened: boolean;
  readonly open: (is: boolean) => void;
}

function Chip(props: ChipProps) {
  const say = useWords(words);
  const { kind, opened, open, filters, set } = props;
  const drop = () => {
    open(false);
    set(kind === "when" ? { since: undefined, until: undefined } : { [kind]: undefined });
  };
  return (
    <Popover opened={opened} onChange={open} position="bottom-start" trapFocus returnFocus>
      <span className={classes.chip}>
        <Popover.Target>
          <button type="button" className={classes.value} onClick={() => open(!opened)}>
            {say(kind)} {kind === "when" ? <When filters={filters} /> : <Values kind={kind} filters={filters} names={props.names} />}
          </button>
        </Popover.Target>
        <button type="button" aria-label={say("drop", { name: say(kind) })} onClick={drop}>
          <IconX size={14} aria-hidden="true" />
        </button>
      </span>
      <Popover.Dropdown className={classes.picker}>{kind === "when" ? <WhenPicker {...props} /> : <ListPicker {...props} kind={kind} />}</Popover.Dropdown>
    </Popover>
  );
}

function Values({ kind, filters, names }: { kind: ListName; filters: Filters; names: Names }) {
  const say = useWords(words);
  const choices = useChoices(kind, names);
  const values: readonly string[] = filters[kind] ?? [];
  const text = values.map((id) => choices.find((one) => one.value === id)?.label ?? shortened(id)).join(", ");
  return (
    <b className="user-text" title={text}>
      {text || say("pick")}
    </b>
  );
}

function ListPicker({ kind, filters, names, set }: ChipProps & { kind: ListName }) {
  const say = useWords(words);
  const choices = useChoices(kind, names);
  const values: readonly string[] = filters[kind] ?? [];
  // What the list no longer has can still be dropped.
  const gone = values.filter((id) => !choices.some((one) => one.value === id)).map((id) => ({ value: id, label: shortened(id) }));
  return (
    <MultiSelect
      data-autofocus
      label={say(kind)}
      data={[...choices, ...gone]}
      value={[...values]}
      onChange={(chosen) => set({ [kind]: chosen.length > 0 ? chosen : undefined })}
      searchable
      defaultDropdownOpened
      nothingFoundMessage={say("noChoice")}
      limit={100}
      comboboxProps={{ withinPortal: false }}
    />
  );
}

function shortDay(date: string): string {
  return momentFormat({ day: "numeric", month: "short", timeZone: "UTC" }).format(Date.parse(date));
}

function When({ filters: { since, until } }: { filters: Filters }) {
  const say = useWords(words);
  if (since && until) return <b>{since === until ? shortDay(since) : `${shortDay(since)} – ${shortDay(until)}`}</b>;
  if (since) return <b>{say("since", { day: shortDay(since) })}</b>;
  return <b>{until ? say("until", { day: shortDay(until) }) : say("pick")}</b>;
}

function daysAgo(days: number): string {
  return moved(dayOf(now(), timeZone()), -days);
}

function WhenPicker({ filters, set, open }: ChipProps) {
  const say = useWords(words);
  const preset = (days: number) => {
    set({ since: daysAgo(days), until: undefined });
    open(false);
  };
  return (
    <>
      <div className="row g8">
        <Button size="xs" data-autofocus onClick={() => preset(0)}>
          {say("today")}
        </Button>
        <Button size="xs" onClick={() => preset(6)}>
          {say("week")}
        </Button>
        <Button size="xs" onClick={() => preset(29)}>
          {say("month")}
        </Button>
      </div>
      <TextInput type="date" label={say("from")} value={filters.since ?? ""} onChange={(event) => set({ since: event.currentTarget.value || undefined })} />
      <TextInput type="date" label={say("to")} value={filters.until ?? ""} onChange={(event) => set({ until: event.currentTarget.value || undefined })} />
    </>
  );
}

/** One item, user or job: they are chosen in the field, so their chips only drop. */
function Fixed({ filters, names, set }: Props) {
  const say = useWords(words);
  const chips = [
    { name: "item" as const, type: filters.itemType, id: filters.item },
    { name: "user" as const, type: filters.userType, id: filters.user },
    { name: "job" as const, type: undefined, id: filters.job },
  ];
  return chips.map(({ name, type, id }) =>
    id ? (
      <span key={name} className={classes.chip}>
        <span className={`${classes.value} ell`} title={id}>
          {type ? names.itemType(type) : say(name)} <b className="user-text">{shortened(id)}</b>{" "}
        </span>
        <button type="button" aria-label={say("drop", { name: say(name) })} onClick={() => set({ [name]: undefined, ...(name === "job" ? {} : { [`${name}Type`]: undefined }) })}>
          <IconX size={14} aria-hidden="true" />
        </button>
      </span>
    ) : null,
  );
}

/** By name or id of an item, a user, a job or a decision: whichever is chosen is the filter. */
function Find({ set }: { set: (change: Filters & { peek?: string }) => void }) {
  const say = useWords(words);
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const { hits, settled } = useSearch(typed);
  const found = hits.filter((hit) => ["USER", "ITEM", "JOB", "PERSON"].includes(hit.kind));
  useCommand({ id: "decisions.find", scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  const choose = (value: string | null) => {
    const hit = found.find((one) => `${one.kind}/${one.typeId ?? ""}/${one.id}` === value);
    if (!hit) return;
    setTyped("");
    if (hit.kind === "USER") set({ userType: hit.typeId ?? undefined, user: hit.id });
    else if (hit.kind === "ITEM") set({ itemType: hit.typeId ?? undefined, item: hit.id });
    else if (hit.kind === "PERSON") set({ by: [hit.id] });
    else set({ job: hit.id });
  };
  const kind: Readonly<Record<string, string>> = { USER: say("user"), ITEM: say("item"), JOB: say("job"), PERSON: say("by") };
  return (
    <Select
      ref={field}
      className={classes.find}
      size="xs"
      searchable
      aria-label={say("findKey")}
      placeholder={say("find")}
      leftSection={<IconSearch className="icon dim" aria-hidden="true" />}
      rightSection={<Written keys="/" />}
      searchValue={typed}
      onSearchChange={setTyped}
      value={null}
      onChange={choose}
      filter={({ options }) => options}
      data={found.map((hit) => ({ value: `${hit.kind}/${hit.typeId ?? ""}/${hit.id}`, label: `${hit.name} · ${kind[hit.kind] ?? ""}` }))}
      nothingFoundMessage={typed.trim() === "" ? say("findHint") : settled ? say("findNothing") : say("findHint")}
      comboboxProps={{ width: 320, position: "bottom-start" }}
    />
  );
}
