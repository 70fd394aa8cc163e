import { defineWords } from "@/words/words";

/** A decision that was refused while its reviewer was elsewhere already. */
export const words = defineWords({
  notDecided: "Not decided: {what}, {about}. {why}",
  open: "Open that job",
  layAside: "Say it no longer",
});
