/**
 * The report: whom it is about, what is required, what it says, and sending it, in the order in which it
 * has to be true.
 *
 * Guarantees: no key sends it, and nothing is sent before the id of the account was typed under a
 * sentence that says where it goes; what is missing is said in words; whoever finds no abuse, moves or
 * skips the job does so as on every job.
 */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAlertCircle, IconCheck } from "@tabler/icons-react";

import type { Names } from "@/configuration/names";
import { IdChip } from "@/control/id-chip";
import { Problem, Skeleton } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { usePermission, useSession } from "@/session/session";
import { useNow } from "@/time/moment";
import { useWords } from "@/words/words";

import { ActionList } from "./action-list";
import classes from "./child.module.css";
import { holderOf, type Lease } from "./claim";
import { ClosedDecision } from "./closed-decision";
import { Confirm } from "./child-confirm";
import { useUserMedia, type KnownMedia } from "./child-evidence";
import { Foot } from "./child-foot";
import { termsQuery } from "./child-media";
import { Says } from "./child-says";
import { words } from "./child-words";
import { useJobNames, type Context } from "./context";
import { effectOf } from "./effect";
import { Emptied } from "./emptied";
import type { Entered, Offers } from "./entered";
import { Face } from "./face";
import job from "./job.module.css";
import type { Report } from "./report";
import { useRefused } from "./shift";
import { UndoNotice } from "./undo-notice";
import type { Decide } from "./use-decide";
import type { Editing } from "./use-entered";
import { words as jobWords } from "./words";

interface Props {
  readonly context: Context;
  readonly lease: Lease | null | undefined;
  readonly editing: Editing;
  readonly decide: Decide;
}

export function ChildPane(props: Props) {
  const { context, decide } = props;
  const names = useJobNames(context);
  if (decide.noNext) return <Emptied queueId={context.job.queueId} name={names.queue(context.job.queueId)} why={decide.noNext} />;
  if (context.job.state !== "PENDING" || context.offers === null) return <Closed {...props} names={names} />;
  return <Open {...props} names={names} offers={context.offers} />;
}

function Closed({ context, decide, names }: Props & { names: Names }) {
  const say = useWords(jobWords);
  useCommand({ id: "job.startNext", scope: "job", keys: "Enter", label: say("nextJob"), run: decide.goOn });
  return (
    <>
      <div className={job.head}>
        <h2>{say("decision")}</h2>
      </div>
      <div className={classes.scroll}>{context.job.state === "CLOSED" ? <ClosedDecision context={context} names={names} /> : null}</div>
      <UndoNotice jobId={context.job.id} />
      <div className={job.foot}>
        <Button fullWidth h={36} loading={decide.sending} onClick={decide.goOn} rightSection={<Keys of="job.startNext" fallback="Enter" />}>
          {say("nextJob")}
        </Button>
      </div>
    </>
  );
}

function Open(props: Props & { names: Names; offers: Offers }) {
  const { context, lease, editing, names, offers } = props;
  const { id } = context.job;
  const media = useUserMedia(id);
  const { data: terms, error, refetch } = useQuery(termsQuery(id));
  const refused = useRefused(id);
  const isHeld = holderOf(context.job, lease, useSession().user.id, useNow(30)) !== null;
  const { entered, change: enter } = editing;
  const jobSay = useWords(jobWords);
  const say = (next: Partial<Report>) => enter({ ...entered, report: { ...entered.report, ...next } });
  return (
    <>
      <Head editing={editing} />
      <div className={classes.scroll}>
        <Account context={context} />
        <Requirement media={media} report={entered.report} />
        <Says context={context} report={entered.report} say={say} />
        <Besides {...{ context, offers, names, entered, enter }} />
        {refused ? <Refused problem={refused} /> : null}
        <section className={classes.confirm}>
          {terms && media.requirement ? (
            <Confirm context={context} terms={terms} media={media} report={entered.report} say={say} then={effectOf({ ...entered, verdict: null }, context, names, jobSay, "short")} />
          ) : error ? (
            <Problem error={error} again={() => void refetch()} />
          ) : media.error ? (
            <Problem error={media.error} again={media.again} />
          ) : (
            <Skeleton lines={4} />
          )}
        </section>
      </div>
      <UndoNotice jobId={id} />
      <Foot {...props} entered={entered} enter={enter} isHeld={isHeld} terms={terms} media={media} />
    </>
  );
}

function Head({ editing }: { editing: Editing }) {
  const say = useWords(words);
  const told = { NOTHING: "", SAVING: say("draftSaving"), SAVED: say("draftKept"), LOCAL: say("draftHere") }[editing.kept];
  return (
    <div className={job.head}>
      <h2>{say("report")}</h2>
      <span className="dim t12" role="status">
        {told}
      </span>
    </div>
  );
}

function Account({ context }: { context: Context }) {
  const say = useWords(words);
  const may = usePermission("VIEW_INVESTIGATION");
  const navigate = useNavigate();
  const { author, job: about } = context;
  const id = author?.id ?? about.itemId;
  const joined = author?.joinedAt ?? null;
  return (
    <section className={classes.account}>
      <Face avatar={null} size={32} />
      <div className="grow">
        <b className="ell user-text" style={{ display: "block" }}>
          {author?.displayName ?? id}
        </b>
        <span className="dim t12 row g4">
          <IdChip id={id} />
          <span className="ell">{joined ? say("joined", { date: new Date(joined).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" }) }) : null}</span>
        </span>
      </div>
      {may ? (
        <Button size="xs" onClick={() => void navigate({ to: "/investigate", search: { type: about.itemTypeId, id: about.itemId } })} rightSection={<Keys of="job.investigate" fallback="O" />}>
          {say("open")}
        </Button>
      ) : null}
    </section>
  );
}

const PIPS = 12;

/** What has to be looked at, by the server's log; and how much has which category. */
function Requirement({ media, report }: { media: KnownMedia; report: Report }) {
  const say = useWords(words);
  const { requirement } = media;
  if (!requirement) return null;
  const { known, looked, needed } = requirement;
  const marks = Object.values(report.marks);
  return (
    <section className={classes.part}>
      <div className="row g8">
        <h3>{say("lookedAt", { looked, known })}</h3>
        <span className="end t13">
          {looked >= needed ? (
            <span className="done row g4">
              <IconCheck size={16} aria-hidden="true" />
              {say("enough", { needed })}
            </span>
          ) : (
            <span className="high">{say("notEnough", { needed })}</span>
          )}
        </span>
      </div>
      <div className="row g8">
        {media.items.length <= PIPS ? (
          <div className={classes.pips} aria-hidden="true">
            {media.items.map((one) => (
              <i key={one.ref} data-seen={one.isSeen || undefined} />
            ))}
          </div>
        ) : null}
        <span className="dim t12 end">{say("byYou")}</span>
      </div>
      <table className={classes.counts}>
        <thead>
          <tr>
            {(["A1", "A2", "B1", "B2", "NONE"] as const).map((one) => (
              <th key={one} scope="col">
                {say(one)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            {(["A1", "A2", "B1", "B2", "NONE"] as const).map((one) => {
              const count = marks.filter((mark) => mark.category === one).length;
              return (
                <td key={one} className={count > 0 ? "tnum med" : "tnum dim"}>
                  {count}
                </td>
              );
            })}
          </tr>
        </tbody>
      </table>
    </section>
  );
}

interface BesidesProps {
  readonly context: Context;
  readonly offers: Offers;
  readonly names: Names;
  readonly entered: Entered;
  readonly enter: (next: Entered) => void;
}

function Besides({ context, offers, names, entered, enter }: BesidesProps) {
  const say = useWords(words);
  return (
    <section className={`${classes.part} ${classes.besides}`}>
      <h3>{say("instead")}</h3>
      <ActionList context={context} offers={offers} names={names} entered={entered} enter={enter} fault={null} />
    </section>
  );
}

function Refused({ problem }: { problem: NonNullable<ReturnType<typeof useRefused>> }) {
  return (
    <section className={classes.part}>
      <Problem error={problem} />
      <ul>
        {problem.faults.map((one) => (
          <li key={`${one.pointer} ${one.reason}`} className={job.fault}>
            <IconAlertCircle size={14} aria-hidden="true" />
            {one.reason}
          </li>
        ))}
      </ul>
    </section>
  );
}

