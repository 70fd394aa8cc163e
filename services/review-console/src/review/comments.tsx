/** What colleagues say about a job; `@` names one of them. */
import { Button, Combobox, useCombobox } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Avatar } from "@/control/person";
import { Problem } from "@/control/state";
import { Writing } from "@/control/writing";
import { useKept, useKeptAs } from "@/form/kept";
import { useCommand, Written } from "@/key/keys";
import { useSession } from "@/session/session";
import { Moment } from "@/time/moment";
import { useWords } from "@/words/words";

import type { Context } from "./context";
import { goHome } from "./home";
import classes from "./job.module.css";
import { words } from "./words";

type Person = Schema["PersonView"];

export function Comments({ context }: { context: Context; threaded: boolean }) {
  const say = useWords(words);
  const cache = useQueryClient();
  const me = useSession().user.id;
  const jobId = context.job.id;
  const key = ["comments", jobId];
  const { data, error, refetch } = useQuery({
    queryKey: key,
    initialData: context.comments.items,
    staleTime: 30_000,
    queryFn: async ({ signal }) => (await take(api.GET("/v1/jobs/{job_id}/comments", { params: { path: { job_id: jobId }, query: { limit: 50 } }, signal }))).items,
  });
  const drop = (id: string) => {
    cache.setQueryData<Schema["CommentView"][]>(key, (before) => before?.filter((one) => one.id !== id));
    api.DELETE("/v1/jobs/{job_id}/comments/{comment_id}", { params: { path: { job_id: jobId, comment_id: id } } }).catch(() => void refetch());
  };
  const shown = data.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  return (
    <section className={classes.tl} aria-label={say("comments")}>
      <div className={classes.head} style={{ padding: 0 }}>
        <h2>{say("comments")}</h2>
        <span className="dim t13">{shown.length || ""}</span>
      </div>
      {error ? <Problem error={error} again={() => void refetch()} /> : null}
      {shown.map((one) => (
        <div key={one.id} className={classes.comment}>
          <div className="row g8">
            <Avatar id={one.authorId} name={one.author?.name ?? ""} />
            <b className="med ell">{one.author?.name ?? say("unknownName")}</b>
            <span className="dim t12 end">
              <Moment at={one.createdAt} />
            </span>
          </div>
          <p className="user-text">{one.body}</p>
          {one.authorId === me ? (
            <button type="button" className={classes.plain} onClick={() => drop(one.id)}>
              {say("commentDelete")}
            </button>
          ) : null}
        </div>
      ))}
      <Write jobId={jobId} queueId={context.job.queueId} sent={(one) => cache.setQueryData<Schema["CommentView"][]>(key, (before) => [...(before ?? []), one])} />
    </section>
  );
}

/** The name that is being typed after an `@`. */
export function namedIn(text: string): string | null {
  return /(?:^|\s)@([\p{L}\p{M}'. -]{0,40})$/u.exec(text)?.[1] ?? null;
}

type Named = Pick<Person, "id" | "name">;

function peopleIn(kept: unknown): readonly Named[] {
  const isNamed = (one: unknown): one is Named => typeof one === "object" && one !== null && "id" in one && "name" in one && typeof one.id === "string" && typeof one.name === "string";
  return Array.isArray(kept) ? kept.filter(isNamed) : [];
}

function Write({ jobId, queueId, sent }: { jobId: string; queueId: string; sent: (one: Schema["CommentView"]) => void }) {
  const say = useWords(words);
  const [text, setText] = useKept(`comment.${jobId}`);
  const [mentioned, setMentioned] = useKeptAs(`mentions.${jobId}`, peopleIn);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const combobox = useCombobox();
  const field = useRef<HTMLTextAreaElement>(null);
  useCommand({ id: "job.comment", scope: "job", keys: "Shift+C", label: say("commentKey"), run: () => field.current?.focus() });
  const named = namedIn(text);
  const { data: people = [] } = useQuery({
    queryKey: ["people", queueId, named],
    enabled: named !== null,
    queryFn: async ({ signal }) => (await take(api.GET("/v1/people", { params: { query: { search: named || undefined, queueId, limit: 6 } }, signal }))).items,
  });
  const send = () => {
    if (text.trim() === "" || busy) return;
    setBusy(true);
    setError(null);
    const mentions = mentioned.filter((one) => text.includes(`@${one.name}`)).map((one) => one.id);
    take(api.POST("/v1/jobs/{job_id}/comments", { params: { path: { job_id: jobId } }, body: { body: text.trim(), mentions } }))
      .then((one) => {
        sent(one);
        setText("");
        setMentioned([]);
      })
      .catch(setError)
      .finally(() => setBusy(false));
  };
  const choose = (id: string) => {
    const person = people.find((one) => one.id === id);
    if (!person || named === null) return;
    setText(`${text.slice(0, text.length - named.length)}${person.name} `);
    setMentioned([...mentioned, { id: person.id, name: person.name }]);
    combobox.closeDropdown();
  };
  return (
    <Combobox store={combobox} onOptionSubmit={choose} withinPortal>
      <Combobox.Target>
        <Writing
          ref={field}
          mt={8}
          aria-label={say("commentSend")}
          placeholder={say("commentHint")}
          lines={[1, 6]}
          maxLength={5000}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            if (namedIn(event.currentTarget.value) === null) combobox.closeDropdown();
            else combobox.openDropdown();
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") goHome();
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              // Here it sends the comment, and not the decision.
              event.preventDefault();
              send();
            }
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={named === null}>
        <Combobox.Options>
          {people.length === 0 ? <Combobox.Empty>{say("mentionNone")}</Combobox.Empty> : null}
          {people.map((one) => (
            <Combobox.Option key={one.id} value={one.id} className="t13">
              {one.name}
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
      {error ? <Problem error={error} again={send} /> : null}
      {text.trim() ? (
        <Button size="xs" mt={8} loading={busy} onClick={send} rightSection={<Written keys="Mod+Enter" />}>
          {say("commentSend")}
        </Button>
      ) : null}
    </Combobox>
  );
}
