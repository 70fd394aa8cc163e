/** In which hash banks something is: by a hash, or by a file that is kept nowhere. */
import { Button, FileButton, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, take } from "@/api/client";
import { whole } from "@/configuration/query";
import { CopyChip, shortened } from "@/control/id-chip";
import { InertButton } from "@/control/inert";
import { Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { kindOfHash, matchFile, matchHash, type Match } from "./hash";
import { words } from "./hash-words";

const namesQuery = {
  queryKey: ["configuration", "hash-banks"],
  staleTime: 5 * 60_000,
  queryFn: () => whole((query) => take(api.GET("/v1/hash-banks", { params: { query } }))),
} as const;

export function LookUp() {
  const say = useWords(words);
  const [text, setText] = useState("");
  const look = useMutation({ mutationFn: (what: string | File) => (typeof what === "string" ? matchHash(what) : matchFile(what)) });
  const why = text.trim() !== "" && kindOfHash(text) === null ? say("lookUpNot") : text.trim() === "" ? say("addNone") : null;
  return (
    <Part title={say("lookUp")} facts={say("lookUpHint")}>
      <form
        className={classes.fields}
        onSubmit={(event) => {
          event.preventDefault();
          if (why === null) look.mutate(text);
        }}
      >
        <TextInput size="xs" className={classes.mono} aria-label={say("lookUpField")} placeholder={say("lookUpField")} value={text} onChange={(event) => setText(event.currentTarget.value)} spellCheck={false} />
        <span className="row g8">
          <InertButton why={why} size="xs" type="submit" loading={look.isPending}>
            {say("lookUpNow")}
          </InertButton>
          <FileButton onChange={(file) => (file ? look.mutate(file) : undefined)} accept="image/*,video/*">
            {(button) => (
              <Button {...button} size="xs" variant="subtle">
                {say("orFile")}
              </Button>
            )}
          </FileButton>
        </span>
      </form>
      <div role="status" className={classes.answer}>
        {look.error ? <Problem error={look.error} /> : look.data ? <Found of={look.data} /> : null}
      </div>
    </Part>
  );
}

function Found({ of }: { of: Match }) {
  const say = useWords(words);
  const banks = useQuery(namesQuery).data ?? [];
  return (
    <>
      {of.pdq || of.md5 ? (
        <span className="row g8">
          {[of.pdq, of.md5].map((hash) => (hash ? <CopyChip key={hash} text={hash} shown={shortened(hash)} /> : null))}
        </span>
      ) : null}
      {of.banks.length === 0 ? <Severity level="none">{say("inNone")}</Severity> : null}
      {of.banks.map((one) => (
        <span key={`${one.bankId} ${one.algorithm}`}>
          <Severity level={one.knownGood ? "none" : "high"}>
            <Link to="/banks/hash/$bankId" params={{ bankId: one.bankId }} className="user-text">
              {say("inBank", { bank: banks.find((bank) => bank.id === one.bankId)?.name ?? shortened(one.bankId) })}
            </Link>
          </Severity>{" "}
          <span className="dim">
            {say("atDistance", { distance: one.distance ?? 0, algorithm: one.algorithm.toUpperCase() })}
            {one.knownGood ? `, ${say("goodBank")}` : null}
          </span>
        </span>
      ))}
    </>
  );
}
