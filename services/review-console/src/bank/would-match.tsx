/** Which entries of a text bank are in a text: answered while it is written. */
import { Select, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import type { TextBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./words";

const WAYS = ["CONTAINS", "WORD", "VARIANT"] as const;
const PAUSE_MS = 150;

export function WouldMatch({ bank, show }: { bank: TextBank; show: (entry: string) => void }) {
  const say = useWords(words);
  const [text, setText] = useState("");
  const [way, setWay] = useState<(typeof WAYS)[number]>("CONTAINS");
  const isPatterns = bank.type === "REGEX";
  const [asked] = useDebouncedValue(text, PAUSE_MS);
  const isAsked = asked.trim() !== "";
  const { data, error } = useQuery({
    queryKey: ["bank-match", bank.id, bank.revision, isPatterns ? null : way, asked],
    enabled: isAsked,
    retry: false,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => take(api.POST("/v1/text-banks/{document_id}/match", { params: { path: { document_id: bank.id } }, body: { text: asked, matching: isPatterns ? null : way }, signal })),
  });
  return (
    <Part title={say("would")}>
      <Textarea size="xs" aria-label={say("wouldText")} placeholder={say("wouldText")} description={say("wouldHint")} autosize minRows={3} maxRows={8} dir="auto" value={text} onChange={(event) => setText(event.currentTarget.value)} maxLength={20_000} />
      {isPatterns ? null : <Select size="xs" label={say("matching")} allowDeselect={false} value={way} onChange={(value) => setWay(WAYS.find((one) => one === value) ?? "CONTAINS")} data={WAYS.map((value) => ({ value, label: say(value) }))} />}
      <div className={classes.answer} role="status">
        {!isAsked ? null : error ? <Problem error={error} /> : data ? <Found of={data} show={show} /> : null}
      </div>
    </Part>
  );
}

function Found({ of, show }: { of: Schema["TextMatchView"]; show: (entry: string) => void }) {
  const say = useWords(words);
  if (!of.matched) return <Severity level="none">{say("matchesNot")}</Severity>;
  return (
    <>
      <Severity level="done">{say("matches", { count: of.entries.length, more: String(of.more) })}</Severity>
      <ul>
        {of.entries.map((entry) => (
          <li key={entry}>
            <button type="button" className={`${classes.link ?? ""} user-text`} onClick={() => show(entry)}>
              {entry}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
