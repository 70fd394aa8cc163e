/** What one has that another has not, field by field: the earlier struck, the later marked; veiled where
 * words are. */
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import classes from "./control.module.css";
import { words } from "./words";

export interface Change {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Of two objects, each field that differs, by name. */
export function changesBetween(before: object, after: object): Change[] {
  const [one, other] = [before as Readonly<Record<string, unknown>>, after as Readonly<Record<string, unknown>>];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return names.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name])).map((name) => ({ name, before: one[name], after: other[name] }));
}

interface Props {
  readonly changes: readonly Change[];
  /** What a field is called. */
  readonly named?: (name: string) => string;
  /** What a value is called, where ids and codes stand for something. */
  readonly valued?: (name: string, value: string) => string;
  /** Which of the two is which, for whoever does not see the marks. */
  readonly was: string;
  readonly is: string;
}

export function Differences({ changes, named = (name) => name.replaceAll("_", " "), valued = (_, value) => value, was, is }: Props) {
  const say = useWords(words);
  const shown = (name: string, value: unknown) => {
    if (value === undefined || value === null) return say("nothing");
    if (Array.isArray(value)) return value.map((one) => valued(name, String(one))).join(", ");
    return typeof value === "string" ? valued(name, value) : JSON.stringify(value);
  };
  return (
    <dl className={classes.differences}>
      {changes.map((change) => (
        <div key={change.name}>
          <dt>{named(change.name)}</dt>
          <dd>
            <del className="user-text">
              <span className="hidden">{was}: </span>
              <VeiledWords>{shown(change.name, change.before)}</VeiledWords>
            </del>
            <ins className="user-text">
              <span className="hidden">{is}: </span>
              <VeiledWords>{shown(change.name, change.after)}</VeiledWords>
            </ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}
