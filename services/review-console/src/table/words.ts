import { defineWords } from "@/words/words";

export const words = defineWords({
  selectAll: "Select all shown",
  select: "Select {name}",
  more: "Load more",
  loadingMore: "Loading more",
  columns: "Columns",
  sortedUp: "sorted, smallest first",
  sortedDown: "sorted, largest first",
  selected: "{count, plural, one {# selected} other {# selected}}",
  clear: "Clear",
  next: "Next row",
  previous: "Previous row",
  open: "Open the row",
  pick: "Select the row",
  range: "Select to here",
});
