/**
 * Victims, and who was meant to receive something: accounts of the platform, with an age and a note where
 * those are known.
 *
 * Guarantees: who wrote in what came with the job is offered by name, and anybody else can be named by
 * their id; who is reported is neither.
 */
import { Autocomplete, Button, NumberInput, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";

import { useWords } from "@/words/words";

import classes from "./child.module.css";
import { words } from "./child-words";
import type { Context } from "./context";
import { MOST_PERSONS, sameRef, type Person, type Ref } from "./report";

interface Known {
  readonly user: Ref;
  readonly name: string | null;
}

type Item = Context["additionalItems"][number];

/** Everybody who made something that came with the job, but for who is reported. */
export function knownPersons(context: Context, items: readonly Pick<Item, "creator">[]): Known[] {
  const reported = { id: context.job.itemId, typeId: context.job.itemTypeId };
  const found = new Map<string, Known>();
  for (const { creator } of items) {
    if (!creator || sameRef(creator, reported)) continue;
    const key = JSON.stringify([creator.typeId, creator.id]);
    found.set(key, { user: { id: creator.id, typeId: creator.typeId }, name: creator.displayName ?? found.get(key)?.name ?? null });
  }
  return [...found.values()];
}

interface Props {
  readonly context: Context;
  readonly of: "victims" | "recipients";
  readonly persons: readonly Person[];
  readonly put: (next: readonly Person[]) => void;
}

export function Persons({ context, of, persons, put }: Props) {
  const say = useWords(words);
  const known = knownPersons(context, [context.item, ...context.thread.items, ...context.additionalItems, ...context.earlierItems]);
  const change = (at: number, next: Partial<Person>) => put(persons.map((one, index) => (index === at ? { ...one, ...next } : one)));
  // An id alone says no type: it is that of who is known by it, or of who is reported.
  const named = (id: string): Ref => known.find((one) => one.user.id === id)?.user ?? { id, typeId: context.job.itemTypeId };
  return (
    <div role="group" aria-label={say(of)} className={classes.persons}>
      <div className="row g8">
        <h3 className="t13">{say(of)}</h3>
        <span className="dim t12">{say(of === "victims" ? "victimsHint" : "recipientsHint")}</span>
        {persons.length < MOST_PERSONS ? (
          <Button size="compact-xs" variant="subtle" className="end" aria-label={say("personAdd", { of })} onClick={() => put([...persons, { user: named(""), age: null, notes: "" }])}>
            {say("add")}
          </Button>
        ) : null}
      </div>
      {persons.map((one, at) => (
        // In the order in which they were added: nothing else tells them apart.
        <div key={at} className={classes.person}>
          <Autocomplete
            size="xs"
            aria-label={say("personId")}
            placeholder={say("personId")}
            maxLength={512}
            data={known.map(({ user }) => user.id)}
            renderOption={({ option }) => <span className="user-text">{[known.find(({ user }) => user.id === option.value)?.name, option.value].filter(Boolean).join(" · ")}</span>}
            value={one.user.id}
            onChange={(id) => change(at, { user: named(id) })}
            error={one.user.id.trim() === "" ? say("personNeeded") : one.user.id.trim() === context.job.itemId ? say("personReported") : null}
          />
          <NumberInput size="xs" aria-label={say("personAge")} placeholder={say("personAge")} min={0} max={150} allowDecimal={false} hideControls value={one.age ?? ""} onChange={(age) => change(at, { age: typeof age === "number" ? age : null })} />
          <button type="button" className={classes.remove} aria-label={say("personRemove")} onClick={() => put(persons.filter((_, index) => index !== at))}>
            <IconTrash size={14} aria-hidden="true" />
          </button>
          <TextInput size="xs" className={classes.note} aria-label={say("personNotes")} placeholder={say("personNotes")} maxLength={3000} value={one.notes} onChange={(event) => change(at, { notes: event.currentTarget.value })} />
        </div>
      ))}
    </div>
  );
}
