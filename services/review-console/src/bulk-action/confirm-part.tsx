/** Confirming what was previewed: for its very number, typed where the organisation asks for that. */
import { TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import { confirm, type Bulk, type Preview } from "./query";
import { words } from "./words";

export function ConfirmPart({ bulk, told }: { bulk: Bulk | Preview; told: (now: Bulk) => void }) {
  const say = useWords(words);
  const [typed, setTyped] = useState("");
  const { total } = bulk;
  const act = useMutation({ mutationFn: () => confirm(bulk.id, total), onSuccess: told });
  const why = total === 0 ? say("nothing") : bulk.needsTotal && typed.trim() !== String(total) ? say("wrongTotal", { total: String(total) }) : null;
  return (
    <Part title={say("previewTitle", { total })}>
      {"duplicates" in bulk && bulk.duplicates > 0 ? <p className="dim t13">{say("duplicates", { count: bulk.duplicates })}</p> : null}
      {"inReview" in bulk && bulk.inReview > 0 ? <p className="high t13">{say("inReview", { count: bulk.inReview })}</p> : null}
      {"sample" in bulk && bulk.sample.length > 0 ? (
        <p className="dim t12 user-text">
          {say("sample")}: {bulk.sample.map((one) => one.itemId).join(", ")}
        </p>
      ) : null}
      {bulk.needsTotal ? <TextInput size="xs" inputMode="numeric" label={say("typeTotal", { total: String(total) })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} /> : null}
      {act.error ? <Problem error={act.error} /> : null}
      <div>
        <InertButton size="xs" variant="filled" loading={act.isPending} why={why} onClick={() => act.mutate()}>
          {say("confirm", { total })}
        </InertButton>
      </div>
    </Part>
  );
}
