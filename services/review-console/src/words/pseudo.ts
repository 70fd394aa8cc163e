/**
 * The pseudo locale: the English messages with accents, a third longer, between brackets. It shows
 * on one look what is not in a catalogue, what is cut off, and what does not mirror.
 */
import { parse, TYPE, type MessageFormatElement } from "@formatjs/icu-messageformat-parser";

const PLAIN = "aceghijklnorsuwyzACEGHIJKLNORSUWYZ";
const ACCENTED = "àçéĝĥîĵķļñôŕšûŵýžÀÇÉĜĤÎĴĶĻÑÔŔŠÛŴÝŽ";

export function pseudoOf(message: string): MessageFormatElement[] {
  const elements = parse(message);
  return [{ type: TYPE.literal, value: "⟦" }, ...elements.map(accented), { type: TYPE.literal, value: "⟧" }];
}

function accented(element: MessageFormatElement): MessageFormatElement {
  switch (element.type) {
    case TYPE.literal:
      return { ...element, value: longer(element.value) };
    case TYPE.plural:
    case TYPE.select: {
      const options = Object.fromEntries(
        Object.entries(element.options).map(([name, option]) => [
          name,
          { ...option, value: option.value.map(accented) },
        ]),
      );
      return { ...element, options } as MessageFormatElement;
    }
    case TYPE.tag:
      return { ...element, children: element.children.map(accented) };
    default:
      return element;
  }
}

function longer(text: string): string {
  const changed = Array.from(text, (letter) => {
    const at = PLAIN.indexOf(letter);
    return at < 0 ? letter : (ACCENTED[at] ?? letter);
  }).join("");
  const letters = text.replace(/[^\p{L}]/gu, "").length;
  return letters < 3 ? changed : changed + "·".repeat(Math.ceil(letters / 3));
}
