import { defineWords } from "@/words/words";

export const words = defineWords({
  help: "Help",
  how: "How this is done",
  contents: "Chapters",
  previous: "Before this",
  next: "After this",
  block: "To be run, or kept in a file",
  begin: "Where to begin",
  beginText: "Whoever sets Coop up begins with the first chapter. Everybody else finds their own; each goes on where the first decision was made.",
  gone: "There is no such chapter",
  goneText: "It may have another name now. All of them are listed beside this.",
});
