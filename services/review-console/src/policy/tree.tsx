/** All policies as a tree, to choose one of: a list whose rows are indented, each a link. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useRef, useState, type CSSProperties } from "react";

import { policiesQuery } from "@/configuration/query";
import { Problem, Skeleton } from "@/control/state";
import { useCommand } from "@/key/keys";
import { Glyph, levelOf } from "@/look/severity";
import { Find } from "@/settings/find";
import settings from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { rowsOf } from "./policy";
import classes from "./policy.module.css";
import { words } from "./words";

export function Tree({ chosen }: { chosen: string | null }) {
  const say = useWords(words);
  const field = useRef<HTMLInputElement>(null);
  const { data, error, refetch } = useQuery(policiesQuery);
  const [q, setQ] = useState<string | undefined>(undefined);
  const [shut, setShut] = useState<ReadonlySet<string>>(new Set());
  useCommand({ id: "policies.find", scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  if (error && !data) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={8} />;
  const rows = rowsOf(data, shut, q ?? "");
  const toggle = (id: string) => {
    const next = new Set(shut);
    if (!next.delete(id)) next.add(id);
    setShut(next);
  };
  return (
    <>
      <div className={settings.filters}>
        <Find ref={field} value={q} find={setQ} label={say("find")} />
      </div>
      {rows.length === 0 && q !== undefined ? <p className={`dim t13 ${classes.none ?? ""}`}>{say("noneFits")}</p> : null}
      <ul className={classes.tree} aria-label={say("tree")}>
        {rows.map(({ policy, depth, hasChildren }) => {
          const isShut = shut.has(policy.id) && q === undefined;
          const Chevron = isShut ? IconChevronRight : IconChevronDown;
          return (
            <li key={policy.id} style={{ "--depth": depth } as CSSProperties} data-chosen={policy.id === chosen || undefined}>
              {hasChildren ? (
                <button type="button" aria-expanded={!isShut} aria-label={say(isShut ? "open" : "shut", { name: policy.name })} onClick={() => toggle(policy.id)}>
                  <Chevron className="icon" aria-hidden="true" />
                </button>
              ) : (
                <span className={classes.leaf} />
              )}
              <Link to="/policies/$policyId" params={{ policyId: policy.id }} aria-current={policy.id === chosen ? "page" : undefined}>
                <Glyph level={levelOf(policy.penalty)} />
                <span className="user-text ell">{policy.name}</span>
                {policy.userStrikeCount ? <span className="dim t12 end">{say("strikes", { count: policy.userStrikeCount })}</span> : null}
              </Link>
            </li>
          );
        })}
      </ul>
    </>
  );
}
