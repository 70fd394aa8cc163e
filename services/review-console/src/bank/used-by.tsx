/** Which rules look into a bank, each a link to its page. */
import { Link } from "@tanstack/react-router";

import type { Told } from "@/settings/documents";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { words } from "./words";

export function UsedByRules({ document }: { document: Told }) {
  const say = useWords(words);
  const used = document.usedBy ?? [];
  const more = (document.usedByCount ?? 0) - used.length;
  if (used.length === 0 && more <= 0) return <p className="dim t13">{say("usedNowhere")}</p>;
  return (
    <ul className={classes.used}>
      {used.map(({ kind, id, name }) => (
        <li key={`${kind} ${id}`}>
          <span className="dim">{say(kind === "rule" || kind === "routing-rule" ? kind : "other")}</span>
          {kind === "rule" ? (
            <Link to="/rules/$ruleId" params={{ ruleId: id }} className="user-text">
              {name}
            </Link>
          ) : kind === "routing-rule" ? (
            <Link to="/routing/$ruleId" params={{ ruleId: id }} className="user-text">
              {name}
            </Link>
          ) : (
            <span className="user-text">{name}</span>
          )}
        </li>
      ))}
      {more > 0 ? <li className="dim">{say("more", { count: more })}</li> : null}
    </ul>
  );
}
