/** What colleagues noted on a user: written, changed by whoever wrote it, deleted by them or a manager. */
import { Button } from "@mantine/core";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { InertButton } from "@/control/inert";
import { Problem, Skeleton } from "@/control/state";
import { Writing } from "@/control/writing";
import { useKept } from "@/form/kept";
import { Keys, useCommand } from "@/key/keys";
import { usePermission, useSession } from "@/session/session";
import { absolute, Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./investigation.module.css";
import { notesOf, type Ref } from "./query";
import { words } from "./words";

type View = Schema["NoteView"];

const LONGEST = 5000;
const renew = () => Promise.all(["notes", "timeline"].map((key) => queries.invalidateQueries({ queryKey: [key] })));

export function Notes({ user }: { user: Ref }) {
  const say = useWords(words);
  const mayWrite = usePermission("MANUALLY_ACTION_CONTENT", "VIEW_MRT_DATA");
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(notesOf(user));
  const notes = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className={classes.part} aria-label={say("notes")}>
      <h3>
        {say("notes")}
        <span className="end">
          <Keys of="investigate.note" fallback="N" />
        </span>
      </h3>
      {error ? <Problem error={error} again={() => void refetch()} /> : null}
      {isPending ? <Skeleton lines={2} /> : null}
      {data && notes.length === 0 ? <p className="dim">{say("noNotes")}</p> : null}
      {notes.map((one) => (
        <Note key={one.id} user={user} note={one} />
      ))}
      {hasNextPage ? (
        <Button size="xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {say("more")}
        </Button>
      ) : null}
      {mayWrite ? <NewNote user={user} /> : null}
    </section>
  );
}

function NewNote({ user }: { user: Ref }) {
  const say = useWords(words);
  const [text, setText] = useKept(`note.${user.typeId}.${user.id}`);
  const field = useRef<HTMLTextAreaElement>(null);
  useCommand({ id: "investigate.note", scope: "page", keys: "N", label: say("addNoteKey"), run: () => field.current?.focus() });
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => take(api.POST("/v1/users/{type_id}/{user_id}/notes", { params: { path: { type_id: user.typeId, user_id: user.id } }, body: { text: text.trim() } })),
    onSuccess: () => {
      setText("");
      return renew();
    },
  });
  return (
    <>
      <Writing ref={field} mt={8} lines={[2, 8]} maxLength={LONGEST} aria-label={say("addNote")} placeholder={say("addNote")} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      {error ? <Problem error={error} again={() => mutate()} /> : null}
      {text.trim() === "" ? null : (
        <Button mt={8} size="xs" loading={isPending} onClick={() => mutate()}>
          {say("saveNote")}
        </Button>
      )}
    </>
  );
}

function Note({ user, note }: { user: Ref; note: View }) {
  const say = useWords(words);
  const { user: me } = useSession();
  const manages = usePermission("MANAGE_ORG");
  const mayWrite = usePermission("MANUALLY_ACTION_CONTENT", "VIEW_MRT_DATA");
  const [doing, setDoing] = useState<"nothing" | "edit" | "remove">("nothing");
  const isMine = note.authorId === me.id;
  const name = note.author?.name ?? "";
  if (doing === "edit") return <EditNote user={user} note={note} close={() => setDoing("nothing")} />;
  return (
    <div className={classes.note}>
      <p className={note.text === null ? "dim" : "user-text"}>{note.text ?? say("removedBy", { name: note.deletedByPerson?.name ?? "" })}</p>
      <p className="dim t12 row g4">
        <span className="ell user-text">{name}</span> <Moment at={note.createdAt} />
        {note.editedAt && note.text !== null ? <span title={absolute(note.editedAt)}>{say("edited")}</span> : null}
        {note.text !== null && mayWrite && doing === "nothing" ? (
          <span className="end row g4">
            {isMine ? (
              <button type="button" className={classes.quiet} aria-label={say("editNote", { name })} onClick={() => setDoing("edit")}>
                {say("edit")}
              </button>
            ) : null}
            {isMine || manages ? (
              <button type="button" className={classes.quiet} aria-label={say("removeNote", { name })} onClick={() => setDoing("remove")}>
                {say("remove")}
              </button>
            ) : null}
          </span>
        ) : null}
      </p>
      {doing === "remove" ? <RemoveNote user={user} note={note} close={() => setDoing("nothing")} /> : null}
    </div>
  );
}

function EditNote({ user, note, close }: { user: Ref; note: View; close: () => void }) {
  const say = useWords(words);
  const [kept, keep] = useKept(`note.${note.id}`);
  const [text, setText] = useState(kept || (note.text ?? ""));
  const finish = () => {
    keep("");
    close();
  };
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => take(api.PATCH("/v1/users/{type_id}/{user_id}/notes/{note_id}", { params: { path: { type_id: user.typeId, user_id: user.id, note_id: note.id } }, body: { text: text.trim() } })),
    onSuccess: async () => {
      await renew();
      finish();
    },
  });
  return (
    <div className={classes.note}>
      <Writing
        lines={[2, 8]}
        maxLength={LONGEST}
        aria-label={say("editing")}
        autoFocus
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          keep(event.currentTarget.value);
        }}
      />
      {error ? <Problem error={error} again={() => mutate()} /> : null}
      <div className="row g8" style={{ marginTop: 8 }}>
        <InertButton size="xs" why={text.trim() === "" ? say("noteEmpty") : null} loading={isPending} onClick={() => mutate()}>
          {say("keepNote")}
        </InertButton>
        <Button size="xs" variant="subtle" onClick={finish}>
          {say("cancel")}
        </Button>
      </div>
    </div>
  );
}

/** Its words cannot be had again: so it is asked about, here and not in a dialog. */
function RemoveNote({ user, note, close }: { user: Ref; note: View; close: () => void }) {
  const say = useWords(words);
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => take(api.DELETE("/v1/users/{type_id}/{user_id}/notes/{note_id}", { params: { path: { type_id: user.typeId, user_id: user.id, note_id: note.id } } })),
    onSuccess: renew,
  });
  return (
    <>
      <p className="t12">{say("removeText")}</p>
      {error ? <Problem error={error} again={() => mutate()} /> : null}
      <div className="row g8" style={{ marginTop: 4 }}>
        <Button size="xs" loading={isPending} autoFocus onClick={() => mutate()}>
          {say("removeNow")}
        </Button>
        <Button size="xs" variant="subtle" onClick={close}>
          {say("cancel")}
        </Button>
      </div>
    </>
  );
}
