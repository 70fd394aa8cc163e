/** Four shares, each with what it is a share of. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Pane, Problem } from "@/control/state";
import { sum } from "@/measure/answer";
import { shareOf } from "@/measure/change";
import { DecisionsLink } from "@/measure/list-link";
import shared from "@/measure/measure.module.css";
import { languageTag, useWords } from "@/words/words";

import { agreementQuery, overturnsQuery, resultsQuery, type Asked } from "./query";
import type { Compared } from "./search";
import { words } from "./words";

const bold = (chunks: ReactNode[]) => <b>{chunks}</b>;

export function Summary({ asked, by, isLead }: { asked: Asked; by: Compared; isLead: boolean }) {
  return (
    <div className={shared.cards}>
      <Pane>
        <Agreement asked={asked} by={by} />
      </Pane>
      <Pane>{isLead ? <GoldenShare asked={asked} /> : <NoGolden />}</Pane>
      <Pane>
        <Overturned asked={asked} />
      </Pane>
      <Pane>
        <Appeals asked={asked} />
      </Pane>
    </div>
  );
}

function Card({ title, share, note, error, again }: { title: ReactNode; share: number | null; note: ReactNode; error?: unknown; again?: () => void }) {
  const say = useWords(words);
  return (
    <div className={shared.card}>
      <h2 className={shared.name}>{title}</h2>
      {error ? (
        <Problem error={error} again={again} />
      ) : (
        <>
          <div className={shared.value}>
            <b>{share === null ? say("none") : say("percent", { value: new Intl.NumberFormat(languageTag(), { maximumFractionDigits: 1 }).format(share) })}</b>
          </div>
          <p className={shared.note}>{note}</p>
        </>
      )}
    </div>
  );
}

function Agreement({ asked, by }: { asked: Asked; by: Compared }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(agreementQuery(asked, by));
  const [equal, reviews] = [sum((data ?? []).map((one) => one.equal)), sum((data ?? []).map((one) => one.reviews))];
  const note = data ? (reviews === 0 ? say("agreementNone") : say.rich("agreementNote", { equal, reviews: reviews.toLocaleString(), b: bold })) : null;
  return <Card title={say("agreement")} share={shareOf(equal, reviews)} note={note} error={error} again={() => void refetch()} />;
}

function GoldenShare({ asked }: { asked: Asked }) {
  const say = useWords(words);
  const { data, error, refetch } = useQuery(resultsQuery(asked));
  const [correct, answered] = [sum((data ?? []).map((one) => one.correct)), sum((data ?? []).map((one) => one.answered))];
  const note = data ? (answered === 0 ? say("goldenNone") : say.rich("goldenNote", { correct, answered: answered.toLocaleString(), b: bold })) : null;
  return <Card title={say("golden")} share={shareOf(correct, answered)} note={note} error={error} again={() => void refetch()} />;
}

function NoGolden() {
  const say = useWords(words);
  return <Card title={say("golden")} share={null} note={say("goldenLeads")} />;
}

function useOverturns(asked: Asked) {
  const { data, error, refetch } = useQuery(overturnsQuery(asked, "QUEUE"));
  const all = data ?? [];
  const total = (pick: (one: (typeof all)[number]) => number) => sum(all.map(pick));
  return { isThere: data !== undefined, error, again: () => void refetch(), total };
}

function Overturned({ asked }: { asked: Asked }) {
  const say = useWords(words);
  const { isThere, error, again, total } = useOverturns(asked);
  const [decisions, undone, reversed] = [total((one) => one.decisions), total((one) => one.undone), total((one) => one.reversed)];
  const title = (
    <DecisionsLink window={asked.window} queue={asked.queue ? [asked.queue] : undefined} source={["REVERSAL"]}>
      {say("overturned")}
    </DecisionsLink>
  );
  const note = isThere ? (decisions === 0 ? say("overturnedNone") : say.rich("overturnedNote", { undone, reversed, decisions: decisions.toLocaleString(), b: bold })) : null;
  return <Card title={title} share={shareOf(undone + reversed, decisions)} note={note} error={error} again={again} />;
}

function Appeals({ asked }: { asked: Asked }) {
  const say = useWords(words);
  const { isThere, error, again, total } = useOverturns(asked);
  const [appeals, accepted] = [total((one) => one.appeals), total((one) => one.appealsAccepted)];
  const note = isThere ? (appeals === 0 ? say("appealsNone") : say.rich("appealsNote", { accepted, appeals: appeals.toLocaleString(), b: bold })) : null;
  return <Card title={say("appeals")} share={shareOf(accepted, appeals)} note={note} error={error} again={again} />;
}
