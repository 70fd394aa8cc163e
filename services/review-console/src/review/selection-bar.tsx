/** What can be done to the messages that are ticked, and to who wrote them; it becomes part of the
 * decision, and is sent with it. */
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";

import { Keys } from "@/key/keys";
import { Severity, levelOf } from "@/look/severity";
import { useWords } from "@/words/words";

import type { Context, Item } from "./context";
import { inOrder, withRelated, type ItemRef, type Offered } from "./entered";
import classes from "./job.module.css";
import type { Editing } from "./use-entered";
import { words } from "./words";

interface Props {
  readonly context: Context;
  readonly chosen: readonly Item[];
  readonly editing: Editing;
  readonly clear: () => void;
}

export function SelectionBar({ context, chosen, editing, clear }: Props) {
  const say = useWords(words);
  const actions = inOrder(context.offers?.actions ?? []);
  const authors = new Map(chosen.flatMap((one) => (one.creator ? [[one.creator.id, { id: one.creator.id, typeId: one.creator.typeId }] as const] : [])));
  const add = (action: Offered, items: readonly ItemRef[]) => {
    const { entered, change } = editing;
    change(withRelated({ ...entered, verdict: entered.verdict === "IGNORE" ? null : entered.verdict }, action.id, items));
    clear();
  };
  // The job's own item is acted on by the list itself.
  const others = chosen.filter((one) => one.id !== context.job.itemId).map(({ id, typeId }) => ({ id, typeId }));
  return (
    <div className={classes.selbar}>
      <b>{say("selected", { count: chosen.length })}</b>
      <Offer label={say("actOnMessages")} actions={actions.filter((one) => one.target === "ITEM")} run={(action) => add(action, others.length > 0 ? others : chosen.map(({ id, typeId }) => ({ id, typeId })))} />
      <Offer label={say("actOnAuthor", { count: authors.size })} actions={actions.filter((one) => one.target === "AUTHOR")} run={(action) => add(action, [...authors.values()])} />
      <Button size="xs" variant="subtle" className="end" onClick={clear} rightSection={<Keys of="thread.clear" fallback="Escape" />}>
        {say("clear")}
      </Button>
    </div>
  );
}

function Offer({ label, actions, run }: { label: string; actions: readonly Offered[]; run: (action: Offered) => void }) {
  const say = useWords(words);
  return (
    <Menu position="top-start" withinPortal>
      <Menu.Target>
        <Button size="xs" rightSection={<IconChevronDown size={14} aria-hidden="true" />}>
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.length === 0 ? <Menu.Label>{say("noOffers")}</Menu.Label> : null}
        {actions.map((one) => (
          <Menu.Item key={one.id} onClick={() => run(one)}>
            <Severity level={levelOf(one.penalty)} quiet>
              {one.name}
            </Severity>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
