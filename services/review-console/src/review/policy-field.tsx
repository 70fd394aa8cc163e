/** Which policy it breaks, and beside it how that one is enforced. */
import { Combobox, InputBase, useCombobox } from "@mantine/core";
import { IconAlertCircle, IconSelector, IconX } from "@tabler/icons-react";
import { lazy, Suspense, useMemo, useState } from "react";

import type { Names } from "@/configuration/names";
import { Pane } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { useWords } from "@/words/words";

import type { Policy } from "./context";
import type { Entered, Offers } from "./entered";
import { goHome } from "./home";
import classes from "./job.module.css";
import { words } from "./words";

const SafeMarkdown = lazy(() => import("./safe-markdown"));

interface Props {
  readonly names: Names;
  readonly entered: Entered;
  readonly enter: (next: Entered) => void;
  readonly rules: Offers["rules"];
  readonly fault: string | null;
  /** Policies that reports or rules named: they stand first. */
  readonly suggested: readonly string[];
}

/** `Spam › Scams`. */
export function pathOf(policy: Policy, all: readonly Policy[]): string[] {
  const parent = policy.parentId ? all.find((one) => one.id === policy.parentId) : undefined;
  return parent && parent.id !== policy.id ? [parent.name, policy.name] : [policy.name];
}

export function PolicyField({ names, entered, enter, rules, fault, suggested }: Props) {
  const say = useWords(words);
  const [query, setQuery] = useState("");
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const chosen = entered.policyIds.flatMap((id) => names.policies.filter((one) => one.id === id));
  const shown = chosen.at(-1);
  useCommand({
    id: "job.policy",
    scope: "job",
    keys: "P",
    label: say("policy"),
    run: () => {
      combobox.openDropdown();
      combobox.focusTarget();
    },
  });
  const options = useMemo(() => {
    const rank = (one: Policy) => (suggested.includes(one.id) ? 0 : 1);
    return names.policies
      .filter((one) => pathOf(one, names.policies).join(" ").toLocaleLowerCase().includes(query.trim().toLocaleLowerCase()))
      .toSorted((a, b) => rank(a) - rank(b) || pathOf(a, names.policies).join(" › ").localeCompare(pathOf(b, names.policies).join(" › ")));
  }, [names.policies, query, suggested]);
  const toggle = (id: string) => {
    const has = entered.policyIds.includes(id);
    const policyIds = has ? entered.policyIds.filter((one) => one !== id) : rules.severalPolicies ? [...entered.policyIds, id] : [id];
    enter({ ...entered, policyIds });
    setQuery("");
    combobox.closeDropdown();
  };
  return (
    <div className={classes.fld}>
      <label className={classes.label} htmlFor="job-policy">
        {say("policy")} <span className={classes.opt}>{rules.policyRequired ? say("policyNeeded") : say("optional")}</span>
        <span>
          <Keys of="job.policy" fallback="P" />
        </span>
      </label>
      {chosen.length > 0 ? (
        <div className={classes.chips}>
          {chosen.map((one) => (
            <button key={one.id} type="button" className={classes.chip} aria-label={say("dropPolicy", { name: one.name })} onClick={() => toggle(one.id)}>
              <span className="ell user-text">
                <Path policy={one} all={names.policies} />
              </span>
              <IconX size={14} aria-hidden="true" />
            </button>
          ))}
        </div>
      ) : null}
      {chosen.length > 0 && !rules.severalPolicies ? null : (
        <Combobox store={combobox} withinPortal onOptionSubmit={toggle}>
          <Combobox.Target withExpandedAttribute>
            <InputBase
              id="job-policy"
              role="combobox"
              aria-autocomplete="list"
              data-field="policy"
              size="sm"
              placeholder={say(chosen.length > 0 ? "addPolicy" : "policyNone")}
              value={query}
              rightSection={<IconSelector size={16} aria-hidden="true" />}
              rightSectionPointerEvents="none"
              onChange={(event) => {
                setQuery(event.currentTarget.value);
                combobox.openDropdown();
                combobox.updateSelectedOptionIndex();
              }}
              onClick={() => combobox.openDropdown()}
              onFocus={() => combobox.openDropdown()}
              onBlur={() => combobox.closeDropdown()}
              onKeyDown={(event) => {
                if (event.key === "Escape") goHome();
              }}
            />
          </Combobox.Target>
          <Combobox.Dropdown>
            <Combobox.Options mah={280} style={{ overflowY: "auto" }}>
              {options.length === 0 ? <Combobox.Empty>{say("noSuchPolicy")}</Combobox.Empty> : null}
              {options.map((one) => (
                <Combobox.Option key={one.id} value={one.id} active={entered.policyIds.includes(one.id)} className="user-text t13">
                  <Path policy={one} all={names.policies} />
                </Combobox.Option>
              ))}
            </Combobox.Options>
          </Combobox.Dropdown>
        </Combobox>
      )}
      {fault ? (
        <p className={classes.fault} role="alert">
          <IconAlertCircle size={14} aria-hidden="true" />
          {fault}
        </p>
      ) : null}
      {shown ? <Peek key={shown.id} policy={shown} /> : null}
    </div>
  );
}

function Path({ policy, all }: { policy: Policy; all: readonly Policy[] }) {
  const path = pathOf(policy, all);
  return (
    <>
      {path.length > 1 ? <span className="dim">{`${path[0] ?? ""} › `}</span> : null}
      {path.at(-1)}
    </>
  );
}

function Peek({ policy }: { policy: Policy }) {
  const say = useWords(words);
  const [whole, setWhole] = useState(false);
  useCommand({ id: "job.guideline", scope: "job", keys: "V", label: say("fullText"), run: () => setWhole((before) => !before) });
  const guideline = policy.enforcementGuidelines?.trim() ?? "";
  const text = policy.policyText?.trim() ?? "";
  return (
    <div className={classes.peek}>
      <div className={classes.peekhead}>
        <span>{say("guideline")}</span>
        <button type="button" className={`${classes.plain} end`} aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {say(whole ? "lessText" : "fullText")}
        </button>
        <Keys of="job.guideline" fallback="V" />
      </div>
      <div className={whole ? undefined : classes.clip}>
        {guideline ? <Formatted text={guideline} /> : <p className="dim">{say("guidelineNone")}</p>}
      </div>
      {whole && text ? (
        <>
          <div className={classes.peekhead} style={{ marginTop: 8 }}>
            {say("policyText")}
          </div>
          <Formatted text={text} />
        </>
      ) : null}
    </div>
  );
}

/** As it is written until what formats it is there, and where that cannot be had. */
function Formatted({ text }: { text: string }) {
  const plain = <p className="user-text">{text}</p>;
  return (
    <Pane instead={plain}>
      <Suspense fallback={plain}>
        <SafeMarkdown text={text} />
      </Suspense>
    </Pane>
  );
}
