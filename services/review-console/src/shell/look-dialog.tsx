/** The look of the console, over whatever page is open. */
import { Dialog } from "@/control/dialog";
import { LookFields } from "./look-fields";
import { useWords } from "@/words/words";

import { words } from "./words";

export default function LookDialog({ close }: { close: () => void }) {
  const say = useWords(words);
  return (
    <Dialog opened onClose={close} title={say("look")} size={420}>
      <LookFields />
    </Dialog>
  );
}
