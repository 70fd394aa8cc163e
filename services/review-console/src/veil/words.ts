import { defineWords } from "@/words/words";

export const words = defineWords({
  stage: "How much is shown",
  caption: "Caption",
  veiled: "Veiled",
  grey: "Grey",
  colour: "Colour",
  veilAgain: "Veil again",
  reveal: "Show the next stage",
  colourOnOff: "Colour on or off",
  hiddenAlt: "{kind, select, video {Video} audio {Sound} other {Picture}}, hidden until revealed. {caption}",
  veiledAlt: "{kind, select, video {Video} audio {Sound} other {Picture}}, veiled. {caption}",
  clearAlt: "{kind, select, video {Video} audio {Sound} other {Picture}} as sent. {caption}",
  noCaption: "There is no caption.",
  veiledHere: "Veiled on the server",
  toLook: "to look, in grey",
  gone: "This medium is gone, or cannot be shown.",
  loading: "Loading",
});
