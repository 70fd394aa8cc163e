import { defineWords } from "@/words/words";

/** How right a rule is by what people decided. */
export const words = defineWords({
  title: "Against what people decided",
  noLabels: "Nobody decided an item of these types in that time, so how right the rule is cannot be said.",
  precision: "precision: people acted on {part, number} of the {whole, number} it matches",
  recall: "recall: it matches {part, number} of the {whole, number} that people acted on",
  share: "{share, number, ::percent .0}",
  interval: "95 %: {low, number, ::percent .0} to {high, number, ::percent .0}",
  none: "–",
  of: "{judged, number} of the {labelled, plural, one {# item} other {# newest items}} that people decided since then are read. Only what came to people is known: not what nobody looked at, and nothing about child safety.",
  shown: "Which decisions are shown",
  kind_MATCHED_LEFT: "False alarms {count, number}",
  kind_MISSED_ACTED: "Missed {count, number}",
  kind_UNDECIDED: "Undecided {count, number}",
  kind_MATCHED_ACTED: "Right {count, number}",
  noneOfKind: "None of this kind.",
  acted: "people acted",
  left: "people left it",
  jobActed: "people acted: the job",
  jobLeft: "people left it: the job",
  more: "More",
});
