/** What a document was: its versions, newest first, who made each, what it changed, and a way back. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { sentenceOf } from "@/control/sentence";
import { Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import { Part } from "./document-form";
import classes from "./settings.module.css";
import { words } from "./words";

interface Version {
  readonly revision: number;
  readonly time: string;
  readonly changed: readonly string[];
  readonly authorPerson?: { readonly name: string } | null;
  readonly document: unknown;
}

interface Props {
  readonly kind: string;
  readonly id: string;
  readonly revision: number;
  readonly load: () => Promise<{ readonly items: readonly Version[] }>;
  readonly named: (field: string) => string;
  readonly restore: (revision: number) => Promise<unknown>;
  readonly restored: () => Promise<unknown>;
  /** While something is not saved, nothing is brought back over it. */
  readonly dirty: boolean;
}

export function Versions({ kind, id, revision, load, named, restore, restored, dirty }: Props) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery({ queryKey: ["configuration", "versions", kind, id, revision], queryFn: load });
  const [busy, setBusy] = useState<number | null>(null);
  const bring = async (one: number) => {
    if (dirty) {
      toast(say("unsavedFirst"));
      return;
    }
    setBusy(one);
    try {
      await restore(one);
      await restored();
      await queries.invalidateQueries({ queryKey: ["configuration"] });
      toast(say("restored"));
    } catch (refused) {
      const problem = asProblem(refused);
      if (!problem) throw refused;
      toast(sentenceOf(problem));
    } finally {
      setBusy(null);
    }
  };
  return (
    <Part title={say("versions")}>
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {data || error ? null : <Skeleton lines={3} />}
      <ol className={classes.versions}>
        {data?.items.map((one, index) => (
          <li key={one.revision} data-current={one.revision === revision || undefined}>
            <b className="tnum">{say("versionOf", { revision: one.revision })}</b>
            <span className="grow">
              <span className="t13">{one.changed.length > 0 && index < data.items.length - 1 ? say("changedFields", { fields: one.changed.map(named).join(", ") }) : say("made")}</span>
              <span className="dim t12 user-text">
                {one.authorPerson?.name ?? say("somebody")} · <Moment at={one.time} relative />
              </span>
            </span>
            {one.revision === revision ? (
              <span className="dim t12">{say("inUse")}</span>
            ) : one.document ? (
              <Button size="compact-xs" loading={busy === one.revision} onClick={() => void bring(one.revision)}>
                {say("restore")}
              </Button>
            ) : null}
          </li>
        ))}
      </ol>
    </Part>
  );
}
