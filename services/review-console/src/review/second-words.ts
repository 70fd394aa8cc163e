import { defineWords } from "@/words/words";

/** A job that was decided is looked at again, blind. */
export const words = defineWords({
  title: "Second review",
  titleOf: "Second review, {queue}",
  blind: "Somebody decided this already. What they decided is not shown, and nothing happens by what you say.",
  waiting: "{count, plural, =0 {no other waits} one {# more waits} other {# more wait}}",
  submit: "Answer & next",
  effect: "Kept beside the first decision; nothing happens to anybody.",
  skip: "Skip",
  leftOn: "left",
  extend: "Extend",
  ended: "Your time for this one is over. What you entered is here; take the next one.",
  nothing: "No second review waits for you",
  nothingText: "A share of what others decided comes here, as each queue says.",
  toQueues: "To the queues",
});
