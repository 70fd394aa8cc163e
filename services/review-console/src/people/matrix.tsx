/** Which role may what: a table; the column that is changed has boxes, walked by the arrow keys. */
import { Checkbox } from "@mantine/core";
import { useRef, useState, type KeyboardEvent } from "react";

import type { Schema } from "@/api/client";
import { useWords } from "@/words/words";

import own from "./people.module.css";
import type { Permission } from "./role";
import { words } from "./role-words";

interface Edited {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly toggle: (one: Permission) => void;
}

interface Props {
  readonly groups: readonly Schema["PermissionGroup"][];
  readonly columns: readonly Schema["MatrixRole"][];
  readonly choose: (id: string | undefined) => void;
  readonly edited: Edited | null;
}

export function Matrix({ groups, columns, choose, edited }: Props) {
  const say = useWords(words);
  const body = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<Permission | null>(null);
  const isNew = edited !== null && !columns.some((one) => one.id === edited.id);
  const first = groups[0]?.permissions[0]?.permission;
  /** The boxes are one stop of the Tab key; within, up and down. */
  const walk = (event: KeyboardEvent<HTMLElement>) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const boxes = [...(body.current?.querySelectorAll<HTMLInputElement>('input[type="checkbox"]') ?? [])];
    boxes[boxes.indexOf(event.target as HTMLInputElement) + step]?.focus();
  };
  return (
    <>
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={own.matrix} tabIndex={0} role="region" aria-label={say("title")}>
        <table ref={body}>
          <thead>
            <tr>
              <th scope="col">{say("permission")}</th>
              {columns.map((role) => (
                <th key={role.id} scope="col" data-chosen={edited?.id === role.id || undefined}>
                  <button type="button" className="user-text" aria-pressed={edited?.id === role.id} aria-label={say("choose", { role: role.name })} onClick={() => choose(edited?.id === role.id ? undefined : role.id)}>
                    {role.name}
                  </button>
                  <small>{say("people", { count: role.userCount })}</small>
                </th>
              ))}
              {isNew ? (
                <th scope="col" data-chosen className="user-text">
                  {edited.name}
                </th>
              ) : null}
            </tr>
          </thead>
          {groups.map((group) => (
            <tbody key={group.name}>
              <tr>
                <th scope="rowgroup" colSpan={columns.length + (isNew ? 2 : 1)}>
                  {group.name}
                </th>
              </tr>
              {group.permissions.map((row) => {
                const box = edited ? (
                  <Checkbox size="xs" tabIndex={(at ?? first) === row.permission ? 0 : -1} aria-label={say("give", { permission: row.label, role: edited.name })} checked={edited.permissions.includes(row.permission)} onChange={() => edited.toggle(row.permission)} onFocus={() => setAt(row.permission)} onKeyDown={walk} />
                ) : null;
                return (
                  <tr key={row.permission} data-focus={(edited !== null && at === row.permission) || undefined}>
                    <th scope="row" title={row.description}>
                      {row.label}
                    </th>
                    {columns.map((role) => (edited?.id === role.id ? <td key={role.id} data-chosen>{box}</td> : <Mark key={role.id} isGiven={role.permissions.includes(row.permission)} />))}
                    {isNew ? <td data-chosen>{box}</td> : null}
                  </tr>
                );
              })}
            </tbody>
          ))}
        </table>
      </div>
      <p className={own.foot}>{say("legend")}</p>
    </>
  );
}

function Mark({ isGiven }: { isGiven: boolean }) {
  const say = useWords(words);
  return (
    <td>
      <span aria-hidden="true">{isGiven ? "✓" : "–"}</span>
      <span className="hidden">{say(isGiven ? "given" : "notGiven")}</span>
    </td>
  );
}
