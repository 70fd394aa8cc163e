/** One medium of a child-safety job: behind the veil, its category by a key each, its labels. */
import { Button, MultiSelect, Popover } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { IdChip } from "@/control/id-chip";
import { Keys, useCommand } from "@/key/keys";
import { useSession } from "@/session/session";
import { Veil, type LoadStage } from "@/veil/veil";
import { useWords } from "@/words/words";

import classes from "./child.module.css";
import { lookedAt } from "./child-media";
import { words } from "./child-words";
import type { Context } from "./context";
import { arrive, goHome } from "./home";
import { flashesOf, loadOf, veiledAgain } from "./media";
import { CATEGORIES, categorised, isIn, labelled, LABELS, placeOf, type Category, type Label, type UserMedium } from "./report";
import type { Editing } from "./use-entered";

const KEY_OF: Readonly<Record<Category, string>> = { A1: "J", A2: "K", B1: "L", B2: ";", NONE: "N" };

interface Props {
  readonly context: Context;
  readonly editing: Editing;
  readonly medium: UserMedium;
  readonly index: number;
  readonly count: number;
  readonly step: (by: number) => void;
}

export function ChildInspector({ context, editing, medium, index, count, step }: Props) {
  const say = useWords(words);
  const { wellness } = useSession();
  const { id } = context.job;
  const several = count > 1;
  const heading = useRef<HTMLHeadingElement>(null);
  // The next job, or the next medium: those who listen are told, and the keys of the page work at once.
  useEffect(() => arrive(heading.current), [medium.ref]);
  useCommand({ id: "childSafety.previous", scope: "childSafety", keys: "A", repeats: true, label: say("previousMedium"), enabled: several, run: () => step(-1) });
  useCommand({ id: "childSafety.next", scope: "childSafety", keys: "D", repeats: true, label: say("nextMedium"), enabled: several, run: () => step(1) });
  const { data: facts } = useQuery({
    queryKey: ["media-facts", medium.ref],
    staleTime: Infinity,
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/media/{ref}/facts", { params: { path: { ref: medium.ref } }, signal })),
  });
  const kind = medium.kind ?? facts?.kind ?? "IMAGE";
  const load: LoadStage = async (ref, stage, signal) => {
    const shown = await loadOf({ jobId: id }, kind)(ref, stage, signal);
    if (stage === "colour") lookedAt(id);
    return shown;
  };
  return (
    <section className={classes.inspector} aria-label={say("mediumOf", { kind, n: index + 1, count })}>
      <div className={classes.inspectorhead}>
        <h2 ref={heading} className={classes.home} data-block tabIndex={-1}>
          {say("mediumOf", { kind, n: index + 1, count })}
        </h2>
        <span className="dim row g4">
          {say("inItem")}
          <IdChip id={medium.item.id} />
        </span>
        {several ? (
          <span className="row g4 end">
            <Button size="compact-sm" variant="subtle" onClick={() => step(-1)} leftSection={<Keys of="childSafety.previous" fallback="A" />}>
              {say("previous")}
            </Button>
            <Button size="compact-sm" variant="subtle" onClick={() => step(1)} leftSection={<Keys of="childSafety.next" fallback="D" />}>
              {say("next")}
            </Button>
          </span>
        ) : null}
      </div>
      <div className={classes.inspectorbody}>
        <div className={classes.look}>
          <Veil
            medium={{ ref: medium.ref, kind: kind.toLowerCase() as "image" | "video" | "audio", width: facts?.width, height: facts?.height, state: facts?.state, isGrave: true, caption: null }}
            load={load}
            flashesOf={flashesOf}
            wellness={wellness}
            jobKey={id}
            keyed
            onVeil={veiledAgain}
          />
          <p className="dim t12">{say("eachLook")}</p>
        </div>
        <div className={classes.say}>
          <Categories editing={editing} medium={medium} />
          <Labels editing={editing} medium={medium} />
          <Facts facts={facts} />
        </div>
      </div>
    </section>
  );
}

function Categories({ editing, medium }: Pick<Props, "editing" | "medium">) {
  const say = useWords(words);
  const { entered, change } = editing;
  const marks = Object.values(entered.report.marks);
  const chosen = entered.report.marks[placeOf(medium)]?.category ?? null;
  const choose = (category: Category) => change({ ...entered, report: categorised(entered.report, medium, category) });
  return (
    <div>
      <div className={classes.label}>
        <h3 id="child-category">{say("category")}</h3>
        <Definitions />
      </div>
      <div role="radiogroup" aria-labelledby="child-category" className={classes.categories}>
        {CATEGORIES.map((one) => (
          <CategoryRow key={one} category={one} isOn={chosen === one} count={marks.filter((mark) => mark.category === one).length} choose={() => choose(one)} isEntry={chosen === null ? one === "A1" : chosen === one} />
        ))}
      </div>
    </div>
  );
}

/** One tab stop for all of them; arrows go from one to the next, and only Space or the key chooses. */
function CategoryRow({ category, isOn, count, choose, isEntry }: { category: Category; isOn: boolean; count: number; choose: () => void; isEntry: boolean }) {
  const say = useWords(words);
  const id = `childSafety.${category.toLowerCase()}`;
  useCommand({ id, scope: "childSafety", keys: KEY_OF[category], label: say("categorise", { name: say(category) }), run: choose });
  const walk = (event: React.KeyboardEvent<HTMLButtonElement>) => {
    const by = event.key === "ArrowDown" ? "nextElementSibling" : event.key === "ArrowUp" ? "previousElementSibling" : null;
    const other = by && event.currentTarget[by];
    if (!(other instanceof HTMLElement)) return;
    event.preventDefault();
    other.focus();
  };
  return (
    <button type="button" role="radio" aria-checked={isOn} tabIndex={isEntry ? 0 : -1} className={classes.category} onClick={choose} onKeyDown={walk}>
      <span className={classes.radio} aria-hidden="true" />
      <b className={classes.code}>{say(category)}</b>
      <span className="dim">{say("soFar", { count })}</span>
      <Keys of={id} fallback={KEY_OF[category]} />
    </button>
  );
}

/** Words repeated all day are exposure too: only when asked for. */
function Definitions() {
  const say = useWords(words);
  const [opened, setOpened] = useState(false);
  useCommand({ id: "childSafety.definitions", scope: "childSafety", keys: "V", label: say("definitions"), run: () => setOpened(!opened) });
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={320} withinPortal>
      <Popover.Target>
        <Button size="compact-sm" variant="subtle" className="end" aria-expanded={opened} onClick={() => setOpened(!opened)} rightSection={<Keys of="childSafety.definitions" fallback="V" />}>
          {say("definitions")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={classes.means} role="region" aria-label={say("definitionsTitle")}>
          <h3>{say("definitionsTitle")}</h3>
          {(["meansA", "meansB", "means1", "means2", "meansNone"] as const).map((one) => (
            <p key={one}>{say(one)}</p>
          ))}
          <p className="dim">{say("meansNote")}</p>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function Labels({ editing, medium }: Pick<Props, "editing" | "medium">) {
  const say = useWords(words);
  const { entered, change } = editing;
  const field = useRef<HTMLInputElement>(null);
  const mark = entered.report.marks[placeOf(medium)];
  const may = isIn(mark);
  useCommand({ id: "childSafety.labels", scope: "childSafety", keys: "I", label: say("toLabels"), run: () => field.current?.focus() });
  return (
    <div>
      <label className={classes.label} htmlFor="child-labels">
        <span className="med">{say("labels")}</span>
        <span className="dim t12">{say("labelsHint")}</span>
        <span className="end">
          <Keys of="childSafety.labels" fallback="I" />
        </span>
      </label>
      <MultiSelect
        ref={field}
        id="child-labels"
        size="sm"
        searchable
        hidePickedOptions
        readOnly={!may}
        aria-describedby={may ? undefined : "child-labels-why"}
        placeholder={may ? say("labelsAdd") : undefined}
        data={LABELS.map((one) => ({ value: one, label: say(one) }))}
        value={[...(mark?.labels ?? [])]}
        onChange={(next) => change({ ...entered, report: labelled(entered.report, medium, next as Label[]) })}
        onKeyDown={(event) => {
          if (event.key === "Escape") goHome();
        }}
      />
      {may ? null : (
        <p id="child-labels-why" className="dim t12">
          {say("labelsFirst")}
        </p>
      )}
    </div>
  );
}

function Facts({ facts }: { facts: Schema["MediaFactsView"] | undefined }) {
  const say = useWords(words);
  const names = [...new Set((facts?.matches ?? []).map((one) => one.bankName ?? one.bankId))];
  return (
    <dl className={classes.facts}>
      <dt>{say("known")}</dt>
      <dd className="user-text">{facts === undefined ? say("knownNot") : say("knownIn", { count: names.length, banks: names.join(", ") })}</dd>
      {facts?.width && facts.height ? (
        <>
          <dt>{say("size")}</dt>
          <dd className="tnum">{say("sizeOf", { width: facts.width, height: facts.height })}</dd>
        </>
      ) : null}
    </dl>
  );
}
