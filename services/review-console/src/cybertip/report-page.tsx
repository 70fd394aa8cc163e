/**
 * One report to NCMEC: what it is, what became of it step by step, its receipt, going on with it where it
 * needs a person, and who looked.
 *
 * Guarantees: it shows no medium; documents are asked for when somebody opens them, because each reading
 * is logged; what is confirmed to go on is said in words first.
 */
import { Button, Checkbox } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { IconAlertCircle, IconChevronLeft } from "@tabler/icons-react";
import { useEffect, useState } from "react";

import { api, take } from "@/api/client";
import { asProblem, type ApiProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Dialog } from "@/control/dialog";
import { IdChip } from "@/control/id-chip";
import { Pane, Problem, Skeleton } from "@/control/state";
import { toast } from "@/control/toast";
import { usePermission } from "@/session/session";
import { appName } from "@/shell/title";
import { absolute, Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./cybertip.module.css";
import { historyOf } from "./history";
import { Keeping } from "./keeping";
import { documentQuery, looksQuery, tipQuery, type Details, type Tip } from "./query";
import { Environment, TipState } from "./state";
import { words } from "./words";

const route = getRouteApi("/_app/child-safety_/$cybertipId");

export function ReportPage() {
  const say = useWords(words);
  const { cybertipId } = route.useParams();
  const { data, error, refetch } = useQuery(tipQuery(cybertipId));
  const number = data?.cybertip.reportId ?? cybertipId.slice(0, 8);
  useEffect(() => {
    document.title = `${say("pageTitle", { number })} · ${appName}`;
  });
  return (
    <>
      <header className={classes.head}>
        <Link to="/child-safety" className={classes.back} aria-label={say("back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
        <h1 className="user-text ell">{data ? say("reportOf", { user: data.cybertip.user.id || say("erased") }) : say("title")}</h1>
        {data ? <TipState tip={data.cybertip} /> : null}
      </header>
      {error && !data ? <Problem error={error} again={() => void refetch()} /> : null}
      {!error && !data ? <Skeleton lines={10} /> : null}
      {data ? (
        <div className={classes.split}>
          <div className={classes.scroll}>
            <Pane>
              <Attention details={data} />
              <Facts tip={data.cybertip} />
              <Keeping tip={data.cybertip} />
              <History details={data} />
            </Pane>
          </div>
          {/* What scrolls has to be reachable by keyboard. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <div className={classes.side} tabIndex={0} role="region" aria-label={say("looks")}>
            <Pane>
              <Looks id={cybertipId} />
            </Pane>
          </div>
        </div>
      ) : null}
    </>
  );
}

/** Why it does not go on, and going on. */
function Attention({ details: { cybertip: tip } }: { details: Details }) {
  const say = useWords(words);
  const may = usePermission("MANAGE_ORG");
  const [further, setFurther] = useState(false);
  const [withoutMedia, setWithoutMedia] = useState(false);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const needs = tip.state === "NEEDS_ATTENTION" && !tip.destroyedAt;
  if (!needs && !tip.fault && tip.warnings.length === 0 && !tip.isPaused) return null;
  const goOn = () => {
    setSending(true);
    setProblem(null);
    take(api.POST("/v1/cybertips/{cybertip_id}/retry", { params: { path: { cybertip_id: tip.id } }, body: { further, withoutMedia } }))
      .then((next) => {
        queries.setQueryData(tipQuery(tip.id).queryKey, next);
        void queries.invalidateQueries({ queryKey: ["cybertips"] });
        toast(say("retried"));
      })
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => setSending(false));
  };
  return (
    <section className={classes.attention} data-grave={needs || undefined}>
      {tip.isPaused ? (
        <p className="row g8">
          <IconAlertCircle className="icon high" aria-hidden="true" />
          <span>
            {say("paused")} {may ? <Link to="/settings/ncmec">{say("toSettings")}</Link> : null}
          </span>
        </p>
      ) : null}
      {tip.fault ? (
        <>
          <h2>{say("fault")}</h2>
          <p className="user-text">
            {tip.fault} {tip.code === null ? null : <span className="dim">{say("code", { code: String(tip.code) })}</span>}
          </p>
        </>
      ) : null}
      {tip.warnings.length > 0 ? (
        <>
          <h3>{say("warnings")}</h3>
          <ul>
            {tip.warnings.map((one) => (
              <li key={one} className="user-text t13">
                {one}
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {needs ? (
        <>
          <Checkbox size="xs" label={say("further")} checked={further} onChange={(event) => setFurther(event.currentTarget.checked)} />
          <Checkbox size="xs" label={say("withoutMedia")} checked={withoutMedia} onChange={(event) => setWithoutMedia(event.currentTarget.checked)} />
          <p className="dim t12">{say("goOnHint", { environment: tip.environment })}</p>
          {problem ? <Problem error={problem} /> : null}
          <Button size="sm" variant="filled" className={classes.fit} loading={sending} onClick={goOn}>
            {say("goOn")}
          </Button>
        </>
      ) : null}
    </section>
  );
}

function Facts({ tip }: { tip: Tip }) {
  const say = useWords(words);
  const [read, setRead] = useState<"document" | "receipt" | null>(null);
  return (
    <section className={classes.part} aria-label={say("facts")}>
      <h2>{say("facts")}</h2>
      <dl className={classes.kv}>
        <dt>{say("columnWhere")}</dt>
        <dd>
          <Environment of={tip.environment} />
        </dd>
        <dt>{say("columnNumber")}</dt>
        <dd>{tip.reportId ? <IdChip id={tip.reportId} whole /> : say("notYet")}</dd>
        <dt>{say("decided")}</dt>
        <dd>
          {absolute(tip.requestedAt, false)} <span className="dim user-text">{tip.reviewer?.name ?? say("someone")}</span>
        </dd>
        <dt>{say("filed")}</dt>
        <dd>{tip.filedAt ? absolute(tip.filedAt, false) : say("notYet")}</dd>
        {tip.dueAt && !tip.filedAt ? (
          <>
            <dt>{say("nextTry")}</dt>
            <dd>
              <Moment at={tip.dueAt} relative />
            </dd>
          </>
        ) : null}
        {tip.preservation ? (
          <>
            <dt>{say("preservation")}</dt>
            <dd>
              <span>{say("preservationState", { state: tip.preservation.state, tries: tip.preservation.tries })}</span>{" "}
              {tip.preservation.endedAt ? <span className="dim">{absolute(tip.preservation.endedAt, false)}</span> : null}
              {tip.preservation.fault ? <span className="dim user-text">{tip.preservation.fault}</span> : null}
            </dd>
            {tip.preservation.dueAt ? (
              <>
                <dt>{say("nextTold")}</dt>
                <dd>
                  <Moment at={tip.preservation.dueAt} relative />
                </dd>
              </>
            ) : null}
          </>
        ) : null}
        <dt>{say("columnFiles")}</dt>
        <dd>{say("filesOf", { files: tip.files, missing: tip.missing })}</dd>
        <dt>{say("job")}</dt>
        <dd>
          <Link to="/jobs/$jobId" params={{ jobId: tip.jobId }}>
            {say("openJob")}
          </Link>
        </dd>
        <dt>{say("receipt")}</dt>
        <dd>
          {tip.hasReceipt ? (
            <Button size="compact-sm" onClick={() => setRead("receipt")}>
              {say("readReceipt")}
            </Button>
          ) : (
            say(tip.filedAt ? "receiptNone" : "receiptLater")
          )}{" "}
          {tip.filedAt && !tip.destroyedAt ? (
            <Button size="compact-sm" variant="subtle" onClick={() => setRead("document")}>
              {say("readDocument")}
            </Button>
          ) : null}
        </dd>
      </dl>
      {read ? (
        <Dialog opened onClose={() => setRead(null)} size="xl" title={say(read === "receipt" ? "receiptTitle" : "documentTitle")}>
          <Document id={tip.id} what={read} />
        </Dialog>
      ) : null}
    </section>
  );
}

function Document({ id, what }: { id: string; what: "document" | "receipt" }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(documentQuery(id, what));
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={8} />;
  return (
    <>
      <p className="dim t12">{say("documentHint")}</p>
      {/* What scrolls has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className={`${classes.xml} user-text`} tabIndex={0}>
        {data.text}
      </pre>
    </>
  );
}

function History({ details }: { details: Details }) {
  const say = useWords(words);
  const steps = historyOf(details, say);
  const before = details.callsBefore ?? 0;
  return (
    <section className={classes.part} aria-label={say("history")}>
      <h2>{say("history")}</h2>
      {before > 0 ? <p className="dim t12">{say("historyBefore", { count: before })}</p> : null}
      <ol className={classes.steps}>
        {steps.map((one) => (
          <li key={one.key} data-grave={one.isGrave || undefined}>
            <span className="dim t12 tnum">
              <Moment at={one.at} dated />
            </span>
            <span className={one.isQuiet ? "dim t13" : "t13 med"}>{one.text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Looks({ id }: { id: string }) {
  const say = useWords(words);
  const looks = useInfiniteQuery(looksQuery(id));
  const rows = looks.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <div className={classes.sidehead}>
        <h2>{say("looks")}</h2>
        <p className="dim t12">{say("looksHint")}</p>
      </div>
      {looks.error ? <Problem error={looks.error} again={() => void (looks.data ? looks.fetchNextPage() : looks.refetch())} /> : null}
      {looks.isPending ? <Skeleton lines={6} /> : null}
      {looks.data && rows.length === 0 ? <p className={classes.look}>{say("noLooks")}</p> : null}
      <ul className={classes.looks}>
        {rows.map((one, index) => (
          <li key={`${one.at} ${one.what} ${index}`} className={classes.look}>
            <span className="dim t12 tnum">
              <Moment at={one.at} dated />
            </span>
            <span>
              <b className="med user-text">{one.actorPerson?.name ?? say("someone")}</b> {say("look", { what: one.what, stage: one.stage ?? "", seconds: Math.round(one.seconds ?? 0) })}
            </span>
          </li>
        ))}
      </ul>
      {looks.hasNextPage ? (
        <Button size="xs" m={12} loading={looks.isFetchingNextPage} onClick={() => void looks.fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
    </>
  );
}
