import { defineWords } from "@/words/words";

export const words = defineWords({
  showChart: "Show {title} as a chart",
  showTable: "Show {title} as a table",
  menu: "More for {title}",
  csv: "Save as CSV",
  total: "Total",
});
