import { defineWords } from "@/words/words";

export const words = defineWords({
  noText: "No text.",
  media: "{count, plural, one {# medium, veiled} other {# media, veiled}}",
  graveMedia: "{count, plural, one {# medium} other {# media}}, shown in its job alone",
  veiled: "A veiled {kind, select, IMAGE {picture} VIDEO {film} AUDIO {sound} other {medium}}",
  more: "{count, plural, one {and one more} other {and # more}}",
});
