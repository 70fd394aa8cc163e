/** A change of a rule that was refused, and what a rule is everywhere once one was made. */
import { asProblem } from "@/api/problem";
import { queries } from "@/api/query";
import { Problem } from "@/control/state";
import { absolute } from "@/time/moment";
import { useWords } from "@/words/words";

import { ruleQuery, type Rule } from "./query";
import { words } from "./words";

/** In whose words it was refused: another's change is named. */
export function Refused({ error, rule }: { error: unknown; rule: Rule }) {
  const say = useWords(words);
  const problem = asProblem(error);
  if (problem?.status !== 412) return <Problem error={error} />;
  return (
    <p role="alert" className="severe t13 user-text">
      {say("changedMeanwhile", { name: rule.updatedByPerson?.name ?? "", when: absolute(rule.updatedAt, false) })}
    </p>
  );
}

/** As it is now, wherever it is shown. */
export function renewed(rule: Rule): void {
  queries.setQueryData(ruleQuery(rule.id).queryKey, rule);
  void queries.invalidateQueries({ queryKey: ["configuration", "rules"] });
  void queries.invalidateQueries({ queryKey: ["configuration", "rule", rule.id, "revisions"] });
}
