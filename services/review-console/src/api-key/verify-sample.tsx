/** How a receiver verifies a webhook, in the language that somebody writes. */
import { SegmentedControl } from "@mantine/core";
import { useState } from "react";

import { Code, CopyButton } from "@/settings/code";
import { Part } from "@/settings/document-form";
import classes from "@/settings/settings.module.css";
import { useWords } from "@/words/words";

import { LANGUAGES, verifyIn, type Language, type Scheme } from "./verify";
import { words } from "./words";

export function Verify() {
  const say = useWords(words);
  const [scheme, setScheme] = useState<Scheme>("STANDARD_WEBHOOKS");
  const [language, setLanguage] = useState<Language>("python");
  const text = verifyIn(scheme, language);
  return (
    <Part title={say("verify")}>
      <p className="dim t13">{say("verifyHint")}</p>
      <div className={classes.strip}>
        <SegmentedControl size="xs" aria-label={say("whichScheme")} value={scheme} onChange={setScheme} data={[{ value: "STANDARD_WEBHOOKS", label: say("standardShort") }, { value: "RSA_SHA256", label: say("rsaShort") }]} />
        <SegmentedControl size="xs" aria-label={say("language")} value={language} onChange={setLanguage} data={LANGUAGES.map((value) => ({ value, label: say(value) }))} />
        <span className="end">
          <CopyButton text={text} />
        </span>
      </div>
      <Code label={say(language)} text={text} />
    </Part>
  );
}
