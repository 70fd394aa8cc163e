/** A saved rule, to be changed. */
import { getRouteApi } from "@tanstack/react-router";

import { BuilderPage } from "./builder-page";

const route = getRouteApi("/_app/rules_/$ruleId_/edit");

export function EditRulePage() {
  const { ruleId } = route.useParams();
  return <BuilderPage ruleId={ruleId} />;
}
