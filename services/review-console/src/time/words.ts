import { defineWords } from "@/words/words";

export const words = defineWords({
  underMinute: "under 1 min",
  minutes: "{minutes} min",
  hours: "{hours} h {minutes}",
  days: "{days, plural, one {# day} other {# days}}",
  ago: "{span} ago",
  soon: "in {span}",
  whole: "{absolute}, {ago}",
});
