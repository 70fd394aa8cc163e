/** What a change of an item type means to whoever sends, and which rules read what changes. */
import { Glyph } from "@/look/severity";
import { useNames } from "@/configuration/names";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import { breaksOf, reads, type Values } from "./item-type";
import own from "./item-type.module.css";
import { words } from "./words";

export function Breaks({ typeId, before, after }: { typeId: string; before: Values; after: Values }) {
  const say = useWords(words);
  const { rules } = useNames();
  const found = breaksOf(before, after);
  return (
    <Part title={say("breaks")}>
      {found.length === 0 ? <p className="dim t13">{say("breaksNothing")}</p> : null}
      <ul className={own.breaks} aria-live="polite">
        {found.map((one) => {
          const readers = one.field === null ? [] : rules.filter((rule) => reads(rule.conditionSet, typeId, one.field as string));
          return (
            <li key={one.text}>
              <Glyph level={one.level} />
              <span className="user-text">{one.text}</span>
              {readers.length > 0 ? <p className="user-text">{say("breaksRules", { count: readers.length, names: readers.map((rule) => rule.name).join(", ") })}</p> : null}
            </li>
          );
        })}
      </ul>
      <p className="dim t12">{say("breaksKept")}</p>
    </Part>
  );
}
