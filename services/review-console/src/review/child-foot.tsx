/**
 * The way on from a child-safety job: sending the report, or what is done instead of it.
 *
 * Guarantees: a report has no key; what is missing is said over its button, one thing at a time.
 */
import { Button, Menu } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { useState } from "react";

import type { Names } from "@/configuration/names";
import { Keys, useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import classes from "./child.module.css";
import { wasReported } from "./child-confirm";
import type { KnownMedia } from "./child-evidence";
import type { ReportTerms } from "./child-media";
import { words } from "./child-words";
import type { Context } from "./context";
import { effectOf, incompleteIn } from "./effect";
import { acts, judged, type Entered, type Offers } from "./entered";
import job from "./job.module.css";
import { lacksOf, rangesOf, reportedOf, unseenOf, type Lack, type Report, type Terms } from "./report";
import type { Decide } from "./use-decide";
import { words as jobWords } from "./words";

interface Props {
  readonly context: Context;
  readonly decide: Decide;
  readonly names: Names;
  readonly offers: Offers;
  readonly entered: Entered;
  readonly enter: (next: Entered) => void;
  readonly isHeld: boolean;
  readonly terms: ReportTerms | undefined;
  readonly media: KnownMedia;
}

export function Foot(props: Props) {
  const { context, decide, entered, names } = props;
  const say = useWords(words);
  const jobSay = useWords(jobWords);
  const marked = reportedOf(entered.report).length;
  const isOther = entered.verdict !== null || (acts(entered) && marked === 0 && entered.report.threads.length === 0);
  const about = context.author?.displayName ?? context.job.itemId;
  const incomplete = incompleteIn(entered, names.actions);
  const submit = (stay: boolean) => {
    if (isOther && !incomplete) decide.submit(entered, { what: effectOf(entered, context, names, jobSay, "short"), about }, stay);
  };
  useCommand({ id: "job.submit", scope: "job", keys: "Mod+Enter", anywhere: true, label: jobSay("submitNext"), enabled: isOther, run: () => submit(false) });
  useCommand({ id: "job.submitStay", scope: "job", keys: "Mod+Shift+Enter", anywhere: true, label: jobSay("submitStay"), enabled: isOther, run: () => submit(true) });
  return (
    <div className={job.foot}>
      {isOther ? (
        <>
          <p className={job.effect} id="job-effect">
            {incomplete ? jobSay("needsParameter") : effectOf(entered, context, names, jobSay, "long")} {marked > 0 ? say("dropped", { count: marked }) : null}
          </p>
          <Button fullWidth h={36} aria-disabled={props.isHeld || incomplete} aria-describedby="job-effect" loading={decide.sending} onClick={() => submit(false)} rightSection={<Keys of="job.submit" fallback="Mod+Enter" />}>
            {say("submit")}
          </Button>
        </>
      ) : (
        <Send {...props} about={about} />
      )}
      <Ways {...props} />
    </div>
  );
}

function Send({ context, decide, entered, isHeld, terms, media, about }: Props & { about: string }) {
  const say = useWords(words);
  const environment = terms?.environment ?? "TEST";
  const known: Terms | null = terms && media.requirement && media.isWhole ? { isEnabled: terms.isEnabled, environment, userId: context.job.itemId, media: media.items, requirement: media.requirement, wasReported: wasReported(terms) } : null;
  const [lack] = known ? lacksOf(entered.report, known) : [];
  const isInert = known === null || lack !== undefined || isHeld;
  const send = () => {
    if (isInert) return;
    decide.submit({ ...entered, verdict: "SUBMIT_NCMEC_REPORT", report: { ...entered.report, environment } }, { what: say("told", { environment }), about }, false);
  };
  return (
    <>
      <p className={job.effect} id="child-lack" role="status">
        {lack && known ? say(`lack_${lack}`, valuesOf(lack, known, entered.report)) : say("noKey")}
      </p>
      <Button fullWidth h={36} className={isInert ? classes.inert : classes.send} aria-disabled={isInert} aria-describedby="child-lack" loading={decide.sending} onClick={send}>
        {say("send", { environment })}
      </Button>
    </>
  );
}

function valuesOf(lack: Lack, terms: Terms, report: Report): Record<string, string | number> {
  if (lack === "looks") return { count: terms.requirement.needed - terms.requirement.looked };
  return lack === "unseen" ? { numbers: rangesOf(unseenOf(report, terms.media)) } : {};
}

function Ways({ offers, decide, entered, enter }: Props) {
  const say = useWords(words);
  const jobSay = useWords(jobWords);
  const [moving, setMoving] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const skip = () => (offers.skip.ok ? decide.skip() : setTold(jobSay("cannotSkip", { reason: offers.skip.reason ?? "" })));
  const move = () => (offers.moveTo.length === 0 ? setTold(say("noMove")) : setMoving(true));
  useCommand({ id: "job.skip", scope: "job", keys: "S", label: say("skip"), run: skip });
  useCommand({ id: "job.move", scope: "job", keys: "M", label: say("move"), run: move });
  return (
    <>
      <div className={classes.two}>
        <Menu opened={moving} onChange={setMoving} position="top-end" withinPortal>
          <Menu.Target>
            <Button size="xs" aria-disabled={offers.moveTo.length === 0} onClick={move} rightSection={<Keys of="job.move" fallback="M" />}>
              {say("move")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{say("moveTo")}</Menu.Label>
            {offers.moveTo.map((queue) => (
              <Menu.Item key={queue.id} className="user-text" onClick={() => enter(judged(entered, "MOVE", queue.id))}>
                {queue.name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <Button size="xs" aria-disabled={!offers.skip.ok} onClick={skip} rightSection={<Keys of="job.skip" fallback="S" />}>
          {say("skip")}
        </Button>
      </div>
      {told ? (
        <p className={job.fault} role="status">
          <IconAlertCircle size={14} aria-hidden="true" />
          {told}
        </p>
      ) : null}
    </>
  );
}
