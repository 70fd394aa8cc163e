/** A rule that is not saved yet; with `from` it begins as another is. */
import { getRouteApi } from "@tanstack/react-router";

import { BuilderPage } from "./builder-page";

const route = getRouteApi("/_app/rules_/new");

export function NewRulePage() {
  const { from } = route.useSearch();
  return <BuilderPage ruleId={null} copied={from} />;
}
