/** Erasing users: whom, why, and how many they are, typed. */
import { Button, Group, Select, TextInput } from "@mantine/core";
import { z } from "zod/mini";

import { useNames } from "@/configuration/names";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import shared from "@/settings/settings.module.css";
import { sayer, useWords } from "@/words/words";

import { erase, idsIn, MOST_USERS } from "./query";
import { words } from "./words";

const say0 = sayer(words);

const Values = z
  .object({
    typeId: z.string().check(z.minLength(1, { error: () => say0("typeNeeded") })),
    ids: z.string().check(
      z.refine((text) => idsIn(text).length > 0, { error: () => say0("idsNeeded") }),
      z.refine((text) => idsIn(text).length <= MOST_USERS, { error: ({ input }) => say0("idsMany", { count: idsIn(String(input)).length, most: MOST_USERS }) }),
    ),
    reason: z.string(),
    typed: z.string(),
  })
  .check(z.refine(({ ids, typed }) => Number(typed.trim() || Number.NaN) === idsIn(ids).length, { path: ["typed"], error: ({ input }) => say0("confirmNot", { count: idsIn((input as { ids: string }).ids).length }) }));

export function EraseForm({ made, close }: { made: (id: string) => void; close: () => void }) {
  const say = useWords(words);
  const { itemTypes } = useNames();
  const types = itemTypes.filter((one) => one.kind === "USER");
  const form = useProblemForm({
    schema: Values,
    paths: ["typeId", "ids", "reason", "typed"],
    initialValues: { typeId: "", ids: "", reason: "", typed: "" },
    send: async ({ typeId, ids, reason }) => {
      const asked = await erase(typeId, idsIn(ids), reason);
      toast(say("asked", { count: asked.total }));
      made(asked.id);
    },
  });
  const count = idsIn(form.form.values.ids).length;
  return (
    <Part title={say("newTitle")}>
      <form onSubmit={form.submit} className={shared.once} noValidate>
        <p className="t13">{say("newText")}</p>
        <FormProblem problem={form.problem} />
        <Select {...form.input("typeId")} size="xs" label={say("type")} data={types.map((one) => ({ value: one.id, label: one.name }))} allowDeselect={false} data-autofocus />
        <Writing {...form.input("ids")} size="xs" lines={[4, 14]} className={shared.monofield} label={say("ids")} description={say("idsHint", { most: MOST_USERS })} spellCheck={false} />
        <TextInput {...form.input("reason")} size="xs" label={say("reason")} description={say("reasonHint")} maxLength={500} autoComplete="off" />
        {count > 0 ? <TextInput {...form.input("typed")} size="xs" label={say("confirm", { count })} inputMode="numeric" autoComplete="off" /> : null}
        <Severity level="severe">{say("final")}</Severity>
        <Group gap="sm" justify="flex-end">
          <Button size="xs" onClick={close}>
            {say("cancel")}
          </Button>
          <Button size="xs" type="submit" variant="filled" className={shared.final} loading={form.sending}>
            {say("erase", { count })}
          </Button>
        </Group>
      </form>
    </Part>
  );
}
