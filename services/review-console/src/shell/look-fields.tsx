/** How the console looks and works for me: each choice is in force at once, and kept on my account. */
import { Select, Stack, Switch } from "@mantine/core";
import { useState } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { sentenceOf } from "@/control/sentence";
import { prefer, usePreference, type Preference } from "@/preference/preference";
import { sessionQuery, useSession } from "@/session/session";
import type { Locale } from "@/words/words";
import { zonesOf } from "@/time/zones";
import { useWords } from "@/words/words";

import { words } from "./words";

const ZONES = zonesOf(Intl.supportedValuesOf("timeZone"));

export function LookFields() {
  const say = useWords(words);
  const { user } = useSession();
  const chosen = usePreference();
  const [why, setWhy] = useState<string | null>(null);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const keep = (change: Partial<Preference>) => {
    prefer(change);
    const { theme, density, shortcuts } = { ...chosen, ...change };
    take(api.PUT("/v1/me", { body: { name: user.name, preferences: { theme, density, shortcuts } } }))
      .then(({ preferences }) => {
        setWhy(null);
        queries.setQueryData(sessionQuery.queryKey, (session) => session && { ...session, user: { ...session.user, preferences } });
      })
      .catch((error: unknown) => {
        const problem = asProblem(error);
        if (problem) setWhy(sentenceOf(problem));
      });
  };

  return (
      <Stack gap="md">
        <Select label={say("theme")} value={chosen.theme} data={[{ value: "SYSTEM", label: say("themeSystem") }, { value: "LIGHT", label: say("themeLight") }, { value: "DARK", label: say("themeDark") }]} onChange={(theme) => keep({ theme: theme as Preference["theme"] })} />
        <Select label={say("contrast")} value={chosen.contrast} data={[{ value: "SYSTEM", label: say("contrastSystem") }, { value: "MORE", label: say("contrastMore") }]} onChange={(contrast) => prefer({ contrast: contrast as Preference["contrast"] })} />
        <Select label={say("density")} value={chosen.density} data={[{ value: "COMPACT", label: say("compact") }, { value: "COMFORTABLE", label: say("comfortable") }]} onChange={(density) => keep({ density: density as Preference["density"] })} />
        <Select label={say("language")} value={chosen.locale} data={[{ value: "en", label: say("english") }, { value: "pseudo", label: say("pseudo") }]} onChange={(locale) => prefer({ locale: locale as Locale })} />
        <Select label={say("zone")} searchable value={chosen.timeZone === null ? "" : (zonesOf([chosen.timeZone])[0] ?? "")} data={[{ value: "", label: say("zoneHere", { zone: here }) }, ...ZONES]} limit={60} onChange={(zone) => prefer({ timeZone: zone === "" ? null : zone })} />
        <Switch label={say("shortcuts")} description={say("shortcutsHint")} checked={chosen.shortcuts} onChange={(event) => keep({ shortcuts: event.currentTarget.checked })} />
        {why ? <p role="alert" className="t13">{say("notKept", { why })}</p> : null}
      </Stack>
  );
}
