/** For whoever must set up a second factor before anything else is open to them. */
import { useState } from "react";

import { queries } from "@/api/query";
import { useWords } from "@/words/words";

import { Door } from "./door";
import classes from "./door.module.css";
import { Enrolling } from "./enrolling";
import { sessionQuery, signOut } from "./session";
import { words } from "./words";

export function FactorPage({ done }: { done: () => void }) {
  const say = useWords(words);
  const [hasCodes, setHasCodes] = useState(false);
  const finish = async () => {
    await queries.refetchQueries({ queryKey: sessionQuery.queryKey });
    done();
  };
  return (
    <Door
      title={say(hasCodes ? "recoveryTitle" : "factorTitle")}
      foot={
        <button type="button" className={classes.plain} onClick={() => void signOut().then(done)}>
          {say("signOut")}
        </button>
      }
    >
      {hasCodes ? null : <p className={`dim t13 ${classes.lead}`}>{say("factorText")}</p>}
      <Enrolling finished={() => void finish()} shows={setHasCodes} />
    </Door>
  );
}
