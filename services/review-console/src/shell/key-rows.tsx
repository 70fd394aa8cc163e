/** Every key there is now, by where it works; each can be changed. */
import { Button } from "@mantine/core";
import { useEffect, useState } from "react";

import { useCommands, Written } from "@/key/keys";
import { keys, SCOPES, type Command, type Scope } from "@/key/registry";
import { strokeFrom, type Stroke } from "@/key/stroke";
import { prefer, usePreference } from "@/preference/preference";
import { useWords } from "@/words/words";

import classes from "./key-sheet.module.css";
import { words } from "./words";

const NAMES = { global: "scopeGlobal", page: "scopePage", list: "scopeList", job: "scopeJob", thread: "scopeThread", childSafety: "scopeChildSafety", dialog: "scopeDialog" } as const satisfies Record<Scope, string>;

export default function KeyRows() {
  const say = useWords(words);
  const commands = useCommands();
  const { keys: own, shortcuts } = usePreference();
  const [changing, setChanging] = useState<Command | null>(null);
  const [taken, setTaken] = useState<string | null>(null);

  const change = (command: Command, written: string) => {
    const clash = keys.holderOf(written, command);
    setChanging(null);
    if (clash) setTaken(say("taken", { keys: written, other: clash.label }));
    else prefer({ keys: { ...own, [command.id]: written } });
  };

  return (
    <>
      <p className="dim t13">{shortcuts ? say("keysHint") : say("keysOff")}</p>
      {taken ? <p role="alert" className="t13">{taken}</p> : null}
      {changing ? <Listen command={changing} heard={change} stop={() => setChanging(null)} /> : null}
      <table className={classes.rows}>
        {SCOPES.map((scope) => {
          const here = commands.filter((one) => one.scope === scope);
          if (here.length === 0) return null;
          return (
            <tbody key={scope}>
              <tr>
                <th scope="rowgroup" colSpan={3}>
                  {say(NAMES[scope])}
                </th>
              </tr>
              {here.map((one) => (
                <tr key={one.id}>
                  <td>{one.label}</td>
                  <td>
                    {changing?.id === one.id ? say("pressNow") : keys.keysOf(one).map((written) => <Written key={written} keys={written} />)}
                  </td>
                  <td>
                    {one.id in own ? (
                      <Button size="compact-sm" variant="subtle" onClick={() => prefer({ keys: Object.fromEntries(Object.entries(own).filter(([id]) => id !== one.id)) })}>
                        {say("reset")}
                      </Button>
                    ) : null}
                    <Button size="compact-sm" onClick={() => setChanging(one)} aria-label={`${say("change")}: ${one.label}`}>
                      {say("change")}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          );
        })}
      </table>
    </>
  );
}

/** The next stroke that is pressed, before anything else hears it. */
function Listen({ command, heard, stop }: { command: Command; heard: (command: Command, written: string) => void; stop: () => void }) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const stroke = strokeFrom(event);
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!stroke) return;
      if (stroke.key === "Escape") stop();
      else heard(command, written(stroke));
    };
    window.addEventListener("keydown", press, true);
    return () => window.removeEventListener("keydown", press, true);
  }, [command, heard, stop]);
  return null;
}

function written({ key, mod, alt, shift }: Stroke): string {
  return [mod ? "Mod" : "", alt ? "Alt" : "", shift ? "Shift" : "", key.length === 1 ? key.toUpperCase() : key].filter(Boolean).join("+");
}
