/** Signals to choose from: what each takes and gives, what it costs, whether it can be had and why not. */
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { api, take } from "@/api/client";
import { Dialog } from "@/control/dialog";
import { usePermission } from "@/session/session";
import { useWords } from "@/words/words";

import { takes, type InputChoice, type Signal } from "./choice";
import { useEditing } from "./editing";
import classes from "./editor.module.css";
import { words } from "./editor-words";

interface Props {
  readonly choice: InputChoice;
  readonly current: string | null;
  readonly choose: (signal: Signal | null) => void;
  readonly close: () => void;
}

/** Those that fit the input first, then the others; of each kind those that can be had first. */
export function arranged(signals: readonly Signal[], choice: Pick<InputChoice, "scalar">, sought: string): Signal[] {
  const words = sought.trim().toLocaleLowerCase().split(/\s+/);
  const fits = (one: Signal) => words.every((word) => `${one.displayName} ${one.name.replaceAll("_", " ")} ${one.description}`.toLocaleLowerCase().includes(word));
  const rank = (one: Signal) => (takes(one, choice) ? 0 : 2) + (one.available ? 0 : 1);
  return signals.filter(fits).toSorted((one, other) => rank(one) - rank(other) || one.cost - other.cost || one.displayName.localeCompare(other.displayName));
}

export function Gallery({ choice, current, choose, close }: Props) {
  const say = useWords(words);
  const { signals } = useEditing();
  const [sought, setSought] = useState("");
  const [open, setOpen] = useState<string | null>(current);
  const listed = arranged(signals, choice, sought);
  return (
    <Dialog opened onClose={close} size={720} title={say("gallery", { input: choice.label })}>
      <TextInput size="xs" data-autofocus aria-label={say("findSignal")} placeholder={say("findSignal")} leftSection={<IconSearch className="icon" aria-hidden="true" />} value={sought} onChange={(event) => setSought(event.currentTarget.value)} />
      <ul className={classes.gallery}>
        {sought === "" && choice.scalar !== null ? (
          <li>
            <button type="button" className={classes.signal} aria-pressed={current === null} onClick={() => choose(null)}>
              <b>{say("itself")}</b>
              <span className="dim">{say("itselfText")}</span>
            </button>
          </li>
        ) : null}
        {listed.map((signal) => (
          <Entry key={signal.name} signal={signal} choice={choice} isCurrent={signal.name === current} isOpen={open === signal.name} toggle={() => setOpen(open === signal.name ? null : signal.name)} choose={() => choose(signal)} />
        ))}
        {listed.length === 0 ? <li className="dim t13">{say("noSignalFits")}</li> : null}
      </ul>
    </Dialog>
  );
}

interface EntryProps {
  readonly signal: Signal;
  readonly choice: InputChoice;
  readonly isCurrent: boolean;
  readonly isOpen: boolean;
  readonly toggle: () => void;
  readonly choose: () => void;
}

function Entry({ signal, choice, isCurrent, isOpen, toggle, choose }: EntryProps) {
  const say = useWords(words);
  const isFit = takes(signal, choice);
  const lane = { FAST: say("lane_FAST"), MEDIA: say("lane_MEDIA"), SLOW: say("lane_SLOW") }[signal.lane] ?? signal.lane;
  const gives = signal.order.length > 0 ? signal.order.join(" < ") : signal.output === "BOOLEAN" || signal.output === "NUMBER" || signal.output === "STRING" ? say(signal.output) : signal.output;
  return (
    <li data-out={!isFit || undefined}>
      <div className="row g8">
        <button type="button" className={classes.signal} aria-expanded={isOpen} onClick={toggle}>
          <b>{signal.displayName || signal.name}</b>
          <span className={classes.about}>{isFit ? (signal.available ? signal.description : <span className="high">{say("unavailable", { reason: signal.reason ?? "" })}</span>) : say("otherKinds", { input: choice.label })}</span>
        </button>
        {isCurrent ? <span className="badge">{say("chosen")}</span> : null}
        {isFit && !isCurrent ? (
          <Button size="compact-xs" onClick={choose} aria-label={`${say("use")}: ${signal.displayName || signal.name}`}>
            {say("use")}
          </Button>
        ) : null}
      </div>
      {isOpen ? (
        <dl className={classes.facts}>
          <dt>{say("takes")}</dt>
          <dd>{signal.fullItem ? say("wholeItemTaken") : signal.inputs.map((one) => one.replaceAll("_", " ").toLowerCase()).join(", ")}</dd>
          <dt>{say("gives")}</dt>
          <dd>{gives}</dd>
          <dt>{say("languages")}</dt>
          <dd>{signal.languages.length > 0 ? signal.languages.join(", ") : say("anyLanguage")}</dd>
          <dt>{say("cost")}</dt>
          <dd>{say("costs", { cost: signal.cost, lane })}</dd>
          <dt>{say("card")}</dt>
          <dd>
            {signal.description}
            {signal.docsUrl ? (
              <>
                {" "}
                <a href={signal.docsUrl} target="_blank" rel="noreferrer">
                  {say("docs")}
                </a>
              </>
            ) : null}
          </dd>
          {signal.integration ? <Card integration={signal.integration} /> : null}
        </dl>
      ) : null}
    </li>
  );
}

/** What the maker of a model says of it; for those who may see accounts. */
function Card({ integration }: { integration: string }) {
  const say = useWords(words);
  const may = usePermission("MANAGE_ORG");
  const { data } = useQuery({ queryKey: ["configuration", "integrations"], enabled: may, retry: false, staleTime: 300_000, queryFn: ({ signal }) => take(api.GET("/v1/integrations", { signal })) });
  const manifest = data?.items.find((one) => one.id === integration)?.manifest;
  const card = manifest?.modelCard;
  const lines = card ? [card.policyAndTaxonomy, card.trainingData, card.performanceBenchmarks, card.biasAndLimitations, card.implementationGuidance].filter(Boolean) : [];
  return (
    <>
      <dt>{say("account")}</dt>
      <dd>
        {manifest?.name ?? integration}
        {lines.map((line) => (
          <p key={line} className="dim">
            {line}
          </p>
        ))}
      </dd>
    </>
  );
}
