import { defineWords } from "@/words/words";

export const words = defineWords({
  leaveTitle: "Leave without saving?",
  leaveText: "What you changed on this page is not saved yet. If you leave, it is lost.",
  leave: "Leave, lose changes",
  stay: "Stay",
});
