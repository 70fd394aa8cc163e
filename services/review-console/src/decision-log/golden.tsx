/** Naming a decision golden: for whoever edits queues, of what a person decided on a job. */
import { Button, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useKept } from "@/form/kept";
import { useWords } from "@/words/words";

import classes from "./decision-log.module.css";
import type { Entry } from "./log";
import { words } from "./words";

export function Golden({ entry }: { entry: Entry }) {
  const say = useWords(words);
  const [isOpen, setOpen] = useState(false);
  const [note, setNote] = useKept(`golden.${entry.id}`);
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => take(api.POST("/v1/quality/golden-items", { body: { decisionId: entry.id, note: note.trim() || null } })),
    onSuccess: () => {
      setNote("");
      setOpen(false);
      toast(say("goldenDone"));
      void queries.invalidateQueries({ queryKey: ["quality"] });
    },
  });
  return (
    <section className={classes.part} aria-label={say("golden")}>
      <h3>
        {say("golden")}
        {isOpen ? null : (
          <Button size="compact-sm" className="end" onClick={() => setOpen(true)}>
            {say("nameGolden")}
          </Button>
        )}
      </h3>
      {isOpen ? (
        <>
          <p className="dim t13">{say("goldenText")}</p>
          <Textarea mt={8} rows={2} maxLength={5000} label={say("goldenNote")} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
          {error ? <Problem error={error} /> : null}
          <div className="row g8" style={{ marginTop: 8 }}>
            <Button size="xs" loading={isPending} onClick={() => mutate()}>
              {say("nameGolden")}
            </Button>
            <Button size="xs" variant="subtle" onClick={() => setOpen(false)}>
              {say("cancel")}
            </Button>
          </div>
        </>
      ) : null}
    </section>
  );
}
