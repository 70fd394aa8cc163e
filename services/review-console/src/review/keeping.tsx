/** Giving a job to somebody, and holding it while an answer is awaited; loaded when it is asked for. */
import { Button, Group, NumberInput, Select, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { Dialog } from "@/control/dialog";
import { toast } from "@/control/toast";
import { Writing } from "@/control/writing";
import { FormProblem } from "@/form/form-problem";
import { useProblemForm } from "@/form/use-problem-form";
import { useWords } from "@/words/words";

import { forget, type Lease } from "./claim";
import { words } from "./keeping-words";
import { changed } from "./kept-strip";

type Job = Schema["ContextJobView"];

export default function KeepDialog({ as, ...rest }: Props & { as: "assign" | "hold"; lease: Lease | null | undefined; gone: () => void }) {
  return as === "assign" ? <AssignDialog {...rest} /> : <HoldDialog {...rest} />;
}

interface Props {
  readonly job: Job;
  readonly close: () => void;
}

/** Somebody who may see the queue, found by name. */
function PersonField({ queueId, value, onChange, error, anyone }: { queueId: string; value: string | null; onChange: (id: string | null) => void; error?: React.ReactNode; anyone: boolean }) {
  const say = useWords(words);
  const [search, setSearch] = useState("");
  const { data = [] } = useQuery({
    queryKey: ["people", queueId, search],
    queryFn: async ({ signal }) => (await take(api.GET("/v1/people", { params: { query: { queueId, search: search || undefined, limit: 20 } }, signal }))).items,
    placeholderData: (before) => before,
  });
  return (
    <Select
      label={say("person")}
      placeholder={anyone ? say("personAnyone") : undefined}
      searchable
      // The field has the focus as the dialog opens: its list would lie over what is below, unasked.
      openOnFocus={false}
      clearable={anyone}
      data-autofocus={!anyone || undefined}
      nothingFoundMessage={say("nobodyFound")}
      data={data.map((one) => ({ value: one.id, label: one.name }))}
      value={value}
      onChange={onChange}
      onSearchChange={setSearch}
      filter={({ options }) => options}
      error={error}
    />
  );
}

const hours = z.union([z.number().check(z.gt(0), z.lte(720)), z.literal("")]);

function AssignDialog({ job, close }: Props) {
  const say = useWords(words);
  const { form, input, problem, sending, submit } = useProblemForm({
    schema: z.object({ personId: z.string().check(z.minLength(1, { error: say("personNeeded") })), note: z.string().check(z.maxLength(1000)), hours }),
    keepAs: `assign.${job.id}`,
    initialValues: { personId: "", note: "", hours: "" as number | "" },
    send: async (values) => {
      await take(api.POST("/v1/jobs/{job_id}/assignment", { params: { path: { job_id: job.id } }, body: { personId: values.personId, note: values.note.trim() || null, hours: values.hours === "" ? null : values.hours } }));
      forget(job.id);
      changed(job.id);
      close();
    },
  });
  return (
    <Dialog opened onClose={close} title={say("assignTitle")} centered>
      <form onSubmit={submit}>
        <FormProblem problem={problem} />
        <Text size="sm" mb={8}>
          {say("assignText")}
        </Text>
        <PersonField queueId={job.queueId} anyone={false} value={form.values.personId || null} onChange={(id) => form.setFieldValue("personId", id ?? "")} error={form.errors.personId} />
        <Writing mt={8} {...input("note")} label={say("note")} lines={[2, 8]} maxLength={1000} />
        <NumberInput mt={8} {...input("hours")} label={say("hours")} description={say("hoursHint")} min={1} max={720} />
        <Buttons close={close} sending={sending} label={say("assignDo")} />
      </form>
    </Dialog>
  );
}

function HoldDialog({ job, lease, close, gone }: Props & { lease: Lease | null | undefined; gone: () => void }) {
  const say = useWords(words);
  const { form, input, problem, sending, submit } = useProblemForm({
    schema: z.object({ reason: z.string().check(z.trim(), z.minLength(1, { error: say("reasonNeeded") }), z.maxLength(1000)), for: z.string(), hours }),
    keepAs: `hold.${job.id}`,
    initialValues: { reason: "", for: "", hours: "" as number | "" },
    send: async (values) => {
      await take(api.POST("/v1/jobs/{job_id}/hold", { params: { path: { job_id: job.id } }, body: { reason: values.reason.trim(), for: values.for || null, hours: values.hours === "" ? null : values.hours, leaseToken: lease?.token ?? null } }));
      forget(job.id);
      changed(job.id);
      toast(say("held"));
      close();
      gone();
    },
  });
  return (
    <Dialog opened onClose={close} title={say("holdTitle")} centered>
      <form onSubmit={submit}>
        <FormProblem problem={problem} />
        <Text size="sm" mb={8}>
          {say("holdText")}
        </Text>
        <Writing {...input("reason")} data-autofocus label={say("reason")} lines={[2, 8]} maxLength={1000} />
        <PersonField queueId={job.queueId} anyone value={form.values.for || null} onChange={(id) => form.setFieldValue("for", id ?? "")} error={form.errors.for} />
        <NumberInput mt={8} {...input("hours")} label={say("hours")} description={say("hoursHint")} min={1} max={720} />
        <Buttons close={close} sending={sending} label={say("holdDo")} />
      </form>
    </Dialog>
  );
}

function Buttons({ close, sending, label }: { close: () => void; sending: boolean; label: string }) {
  const say = useWords(words);
  return (
    <Group mt="lg" gap="sm" justify="flex-end">
      <Button onClick={close}>{say("cancel")}</Button>
      <Button type="submit" variant="filled" loading={sending}>
        {label}
      </Button>
    </Group>
  );
}
