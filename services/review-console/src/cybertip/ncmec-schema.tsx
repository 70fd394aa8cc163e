/** Which schema reports are checked with before they leave, and whether NCMEC serves the same. */
import { useQuery } from "@tanstack/react-query";

import { CopyChip } from "@/control/id-chip";
import { Problem, Skeleton } from "@/control/state";
import { Severity } from "@/look/severity";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./cybertip.module.css";
import { schemaQuery } from "./ncmec";
import { words } from "./ncmec-words";

const SHOWN = 12;

export function CheckedWith() {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(schemaQuery);
  return (
    <section className={classes.checks} aria-label={say("schema")}>
      <h2>{say("schema")}</h2>
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {data || error ? null : <Skeleton lines={2} />}
      {data ? (
        <>
          <p className="t13">{data.hasFile ? say("schemaFile") : <Severity level="medium">{say("schemaNone")}</Severity>}</p>
          <dl className={classes.schema}>
            {data.fingerprint ? (
              <>
                <dt>{say("schemaVersion")}</dt>
                <dd className={data.version ? "user-text" : "dim"}>{data.version ?? say("schemaUnnamed")}</dd>
                <dt>{say("schemaPrint")}</dt>
                <dd>
                  <CopyChip text={data.fingerprint} shown={data.fingerprint.slice(0, SHOWN)} />
                </dd>
              </>
            ) : null}
            {data.served.map((one) => {
              const values = { print: one.fingerprint.slice(0, SHOWN), at: <Moment key="at" at={one.servedAt} relative /> };
              return (
                <div key={one.environment}>
                  <dt>{say("schemaServed", { environment: one.environment })}</dt>
                  <dd>{one.differs ? <Severity level="high">{say.rich("schemaOther", values)}</Severity> : say.rich(one.differs === false ? "schemaSame" : "schemaUnknown", values)}</dd>
                </div>
              );
            })}
          </dl>
          {data.served.length === 0 ? <p className="dim t12">{say("schemaNever")}</p> : null}
        </>
      ) : null}
    </section>
  );
}
