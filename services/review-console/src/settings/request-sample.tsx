/** A request in the language that somebody writes, to copy. */
import { SegmentedControl } from "@mantine/core";
import { useState } from "react";

import { useWords } from "@/words/words";

import { Code, CopyButton } from "./code";
import { LANGUAGES, requestIn, type Language } from "./sample";
import classes from "./settings.module.css";
import { words } from "./words";

export function RequestSample({ path, body }: { path: string; body: object }) {
  const say = useWords(words);
  const [language, setLanguage] = useState<Language>("curl");
  return <InLanguages language={language} choose={setLanguage} text={requestIn(language, path, body)} hint={say("keyFrom")} />;
}

interface Props {
  readonly language: Language;
  readonly choose: (language: Language) => void;
  readonly text: string;
  readonly hint: string;
}

export function InLanguages({ language, choose, text, hint }: Props) {
  const say = useWords(words);
  return (
    <>
      <div className={classes.strip}>
        <SegmentedControl size="xs" aria-label={say("language")} value={language} onChange={choose} data={LANGUAGES.map((value) => ({ value, label: say(value) }))} />
        <span className="end">
          <CopyButton text={text} />
        </span>
      </div>
      <Code label={say(language)} text={text} />
      <p className="dim t12">{hint}</p>
    </>
  );
}
