/** Over a conversation: how much of it is there, finding in it, and the way to what was reported. */
import { TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconSearch } from "@tabler/icons-react";
import type { RefObject } from "react";

import { Keys } from "@/key/keys";
import { useWords } from "@/words/words";

import classes from "./job.module.css";
import { words } from "./words";

interface Props {
  readonly count: number;
  readonly query: string;
  readonly setQuery: (query: string) => void;
  readonly find: RefObject<HTMLInputElement | null>;
  readonly hits: readonly string[];
  readonly reported: readonly string[];
  readonly cursor: string;
  readonly step: (keys: readonly string[], by: number) => void;
  readonly leave: () => void;
}

export function ThreadHead({ count, query, setQuery, find, hits, reported, cursor, step, leave }: Props) {
  const say = useWords(words);
  return (
    <div className={classes.threadhead}>
      <h2>{say("thread")}</h2>
      <span className="dim">{say("loaded", { count: say("messages", { count }) })}</span>
      <TextInput
        ref={find}
        size="xs"
        className="end"
        w={184}
        type="search"
        aria-label={say("find")}
        placeholder={say("find")}
        leftSection={<IconSearch size={14} aria-hidden="true" />}
        rightSection={query ? null : <Keys of="thread.find" fallback="/" />}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) step(hits, event.shiftKey ? -1 : 1);
          if (event.key === "Escape") {
            setQuery("");
            leave();
          }
        }}
      />
      {query.trim() ? (
        <span className="dim tnum" role="status">
          {hits.length === 0 ? say("noMatch") : say("hits", { n: Math.max(0, hits.indexOf(cursor)) + 1, count: hits.length })}
        </span>
      ) : (
        <>
          <span className="dim tnum">{say("reportedN", { n: Math.max(0, reported.indexOf(cursor)) + 1, count: reported.length })}</span>
          <button type="button" className={classes.icon} aria-label={say("previousReported")} onClick={() => step(reported, -1)}>
            <IconChevronUp size={16} aria-hidden="true" />
          </button>
          <button type="button" className={classes.icon} aria-label={say("nextReported")} onClick={() => step(reported, 1)}>
            <IconChevronDown size={16} aria-hidden="true" />
          </button>
        </>
      )}
    </div>
  );
}
