/**
 * Roles: permissions down, roles across. One column at a time is changed; beside it stands what that
 * would change and for how many. Which one is the address.
 */
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { queries } from "@/api/query";
import { Writing } from "@/control/writing";
import { Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Keys, useCommand } from "@/key/keys";
import { DocumentFields, Faults, Part, SaveButtons } from "@/settings/document-form";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import classes from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm } from "@/settings/use-document-form";
import { words as shared } from "@/settings/words";
import { useWords } from "@/words/words";

import { Matrix } from "./matrix";
import own from "./people.module.css";
import { matrixQuery, renewPeople, rolesQuery, type Role } from "./query";
import { read, remove, save, toggled, Values, valuesOf } from "./role";
import { ResetButton } from "./role-reset";
import { words } from "./role-words";

const route = getRouteApi("/_app/settings/roles");
export const NEW = "new";

export function RolesPage() {
  const say = useWords(words);
  const { role } = route.useSearch();
  const navigate = useNavigate();
  const roles = useQuery(rolesQuery);
  const matrix = useQuery(matrixQuery);
  const choose = (id: string | undefined) => void navigate({ to: "/settings/roles", replace: true, search: { role: id } });
  useCommand({ id: "roles.new", scope: "list", keys: "C", label: say("newKey"), run: () => choose(NEW) });
  const error = roles.error ?? matrix.error;
  if (error && (!roles.data || !matrix.data)) return <Problem error={error} again={() => void Promise.all([roles.refetch(), matrix.refetch()])} />;
  if (!roles.data || !matrix.data) return <Skeleton lines={12} />;
  const chosen = roles.data.find((one) => one.id === role) ?? null;
  const isEditing = chosen !== null || role === NEW;
  const view = { groups: matrix.data.groups, columns: matrix.data.roles, choose };
  const given = roles.data.filter((one) => one.isDefault).length;
  const facts = say("facts", { given, own: roles.data.length - given, permissions: matrix.data.groups.flatMap((group) => group.permissions).length });
  return isEditing ? (
    <Editing key={role} role={chosen} facts={facts} view={view} />
  ) : (
    <>
      <SettingsHead title={say("title")} facts={facts}>
        <NewButton choose={choose} />
      </SettingsHead>
      <Pane>
        <Matrix {...view} edited={null} />
      </Pane>
    </>
  );
}

function NewButton({ choose }: { choose: (id: string) => void }) {
  const say = useWords(words);
  return (
    <Button size="xs" onClick={() => choose(NEW)} rightSection={<Keys of="roles.new" fallback="C" />}>
      {say("new")}
    </Button>
  );
}

type View = Omit<Parameters<typeof Matrix>[0], "edited">;

function Editing({ role, facts, view }: { role: Role | null; facts: string; view: View }) {
  const say = useWords(words);
  const sayShared = useWords(shared);
  const navigate = useNavigate();
  const [start] = useState(() => role);
  const form = useDocumentForm({
    document: start,
    schema: Values,
    valuesOf,
    save,
    read,
    saved: (kept, isNew) => {
      queries.setQueryData(rolesQuery.queryKey, (before) => (before?.some((one) => one.id === kept.id) ? before.map((one) => (one.id === kept.id ? { ...kept, userCount: one.userCount } : one)) : [...(before ?? []), { ...kept, userCount: 0 }]));
      renewPeople();
      toast(sayShared("savedToast", { name: kept.name }));
      if (isNew) void navigate({ to: "/settings/roles", replace: true, search: { role: kept.id }, ignoreBlocker: true });
    },
  });
  const { base } = form;
  const permissions = form.form.values.permissions;
  const labels = new Map(view.groups.flatMap((group) => group.permissions.map((one) => [one.permission as string, one.label] as const)));
  const before = base?.permissions ?? [];
  const moved = [...permissions.filter((one) => !before.includes(one)).map((one) => ({ one, isGone: false })), ...before.filter((one) => !permissions.includes(one)).map((one) => ({ one, isGone: true }))];
  const edited = { id: base?.id ?? NEW, name: form.form.values.name || say("newName"), permissions, toggle: (one: (typeof permissions)[number]) => form.form.setFieldValue("permissions", toggled(permissions, one)) };
  return (
    <>
      <SettingsHead title={say("title")} facts={facts}>
        {base && !base.isDefault ? <RemoveButton document={{ ...base, usedByCount: 0 }} remove={() => remove(base)} done={() => view.choose(undefined)} /> : null}
        {base?.isDefault && base.revision > 0 ? <ResetButton role={base} done={async () => form.begin(await read(base.id))} /> : null}
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={own.split} data-open data-both>
        <div className={own.lists}>
          <Pane>
            <Matrix {...view} edited={edited} />
          </Pane>
        </div>
        <aside className={own.pane}>
          <DocumentFields form={form} valuesOf={valuesOf} named={(field) => (field === "name" ? say("name") : field === "description" ? say("forWhom") : say("permissions"))} valued={(field, value) => (field === "permissions" ? (labels.get(value) ?? value) : value)}>
            <div className={own.part}>
              <div className="row g8">
                <b className="user-text">{edited.name}</b>
                {base?.isDefault ? (base.usesDefaultPermissions ? null : <span className="badge">{say("changed")}</span>) : <span className="badge">{say("custom")}</span>}
              </div>
              <TextInput {...form.input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
              <Writing {...form.input("description")} lines={[2, 6]} size="xs" label={say("forWhom")} />
              <Faults of={faultsUnder(form, "permissions")} />
            </div>
          </DocumentFields>
          <Part title={say("changes")}>
            <ul className={own.changes} aria-live="polite">
              {moved.length === 0 ? <li className="dim">{say("noChanges")}</li> : null}
              {moved.map(({ one, isGone }) => (
                <li key={one} data-gone={isGone || undefined}>
                  <b aria-hidden="true">{isGone ? "−" : "+"}</b>
                  {isGone ? <del>{labels.get(one)}</del> : <ins className={own.plain}>{labels.get(one)}</ins>}
                </li>
              ))}
            </ul>
            {base ? <p className="dim t12">{say("affects", { count: role?.userCount ?? 0 })}</p> : null}
            {permissions.includes("VIEW_CHILD_SAFETY_DATA") && !before.includes("VIEW_CHILD_SAFETY_DATA") ? <p className={classes.note}>{say("grave")}</p> : null}
          </Part>
        </aside>
      </div>
    </>
  );
}
