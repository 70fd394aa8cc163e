/** Who changed a document last, and when. */
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Told } from "./documents";
import { words } from "./words";

export function Changed({ document }: { document: Told }) {
  const say = useWords(words);
  return (
    <span className="user-text">
      {say("versionOf", { revision: document.revision })} · {say.rich("changedBy", { when: <Moment at={document.updatedAt} relative />, name: document.updatedByPerson?.name ?? say("somebody") })}
    </span>
  );
}
