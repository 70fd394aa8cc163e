/**
 * The user guide: all chapters at the left, the one that was chosen beside them.
 *
 * Guarantees: no HTML of a chapter is ever an element; every heading has an address; what is on the
 * page is all there at once, so that the browser's own search finds it.
 */
import { useQueries } from "@tanstack/react-query";
import { getRouteApi, Link, useRouterState } from "@tanstack/react-router";
import Markdown from "markdown-to-jsx/react";
import { useEffect, useMemo, type ReactNode } from "react";

import { Empty, Problem, Skeleton } from "@/control/state";
import { Code, CopyButton } from "@/settings/code";
import { SettingsHead } from "@/settings/head";
import { useWords } from "@/words/words";

import { anchorOf, CHAPTERS, type Chapter } from "./chapters";
import { isChapter, linkOf, pictureAt, textOf, type Text } from "./guide";
import classes from "./help.module.css";
import { words } from "./words";

const one = getRouteApi("/_app/help_/$chapter");

function useTexts() {
  return useQueries({
    queries: CHAPTERS.map((chapter) => ({ queryKey: ["help", chapter], queryFn: () => textOf(chapter), staleTime: Infinity })),
    combine: (all) => ({
      error: all.find((query) => query.error)?.error ?? null,
      texts: all.every((query) => query.data) ? new Map(CHAPTERS.map((chapter, at) => [chapter, all[at]?.data as Text])) : null,
    }),
  });
}

/** The contents; a chapter's address shows it beside them. */
export function HelpPage() {
  return <Guide name={null} />;
}

export function ChapterPage() {
  return <Guide name={one.useParams().chapter} />;
}

function Guide({ name }: { name: string | null }) {
  const say = useWords(words);
  const { texts, error } = useTexts();
  if (error) return <Problem error={error} />;
  if (!texts) return <Skeleton />;
  const chapter = name !== null && isChapter(name) ? name : null;
  return (
    <>
      <SettingsHead title={(chapter && texts.get(chapter)?.title) ?? say("help")} within={chapter ? { to: "/help", name: say("help") } : undefined} />
      <div className={classes.split} data-one={chapter !== null || undefined}>
        <Contents texts={texts} open={chapter} />
        {name === null ? (
          <div className={classes.begin}>
            <Empty title={say("begin")}>{say("beginText")}</Empty>
          </div>
        ) : chapter === null ? <Empty title={say("gone")}>{say("goneText")}</Empty> : <Article key={chapter} chapter={chapter} texts={texts} />}
      </div>
    </>
  );
}

function Contents({ texts, open }: { texts: ReadonlyMap<Chapter, Text>; open: Chapter | null }) {
  const say = useWords(words);
  return (
    <nav className={classes.contents} aria-label={say("contents")}>
      <ol>
        {CHAPTERS.map((chapter) => (
          <li key={chapter}>
            <Link to="/help/$chapter" params={{ chapter }} activeOptions={{ includeHash: false }}>
              {texts.get(chapter)?.title}
            </Link>
            {open === null || open === chapter ? (
              <ul>
                {texts.get(chapter)?.sections.map(({ title, anchor }) => (
                  <li key={anchor}>
                    <Link to="/help/$chapter" params={{ chapter }} hash={anchor}>
                      {title}
                    </Link>
                  </li>
                ))}
              </ul>
            ) : null}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Article({ chapter, texts }: { chapter: Chapter; texts: ReadonlyMap<Chapter, Text> }) {
  const say = useWords(words);
  const hash = useRouterState({ select: ({ location }) => location.hash });
  useEffect(() => {
    // At once: to a heading that is far away a smooth way is a long one.
    if (hash !== "") document.getElementById(hash)?.scrollIntoView();
  }, [hash]);
  const at = CHAPTERS.indexOf(chapter);
  const [before, after] = [CHAPTERS[at - 1], CHAPTERS[at + 1]];
  return (
    <div className={classes.scroll}>
      <article className={classes.article}>
        <Chaptered chapter={chapter} body={texts.get(chapter)?.body ?? ""} />
        <nav className={classes.on} aria-label={say("help")}>
          {before ? (
            <Link to="/help/$chapter" params={{ chapter: before }}>
              {say("previous")}: {texts.get(before)?.title}
            </Link>
          ) : null}
          {after ? (
            <Link to="/help/$chapter" params={{ chapter: after }} className="end">
              {say("next")}: {texts.get(after)?.title}
            </Link>
          ) : null}
        </nav>
      </article>
    </div>
  );
}

/** The chapter's title is the page's: it is not said twice. */
function Chaptered({ chapter, body }: { chapter: Chapter; body: string }) {
  const overrides = useMemo(
    () => ({
      a: { component: ({ href = "", children }: { href?: string; children?: ReactNode }) => <Leads href={href} from={chapter}>{children}</Leads> },
      img: { component: Picture },
      pre: { component: Block },
      iframe: { component: () => null },
      input: { component: () => null },
    }),
    [chapter],
  );
  return <Markdown options={{ disableParsingRawHTML: true, forceBlock: true, slugify: anchorOf, overrides }}>{body.replace(/^# .*\n/, "")}</Markdown>;
}

function Leads({ href, from, children }: { href: string; from: Chapter; children?: ReactNode }) {
  const to = linkOf(href, from);
  if (!to) return <span>{children}</span>;
  return (
    <Link to="/help/$chapter" params={{ chapter: to.chapter }} hash={to.anchor}>
      {children}
    </Link>
  );
}

function Picture({ src = "", alt = "" }: { src?: string; alt?: string }) {
  const at = pictureAt(src);
  return at === null ? <span>{alt}</span> : <img className={classes.picture} src={at} alt={alt} loading="lazy" />;
}

/** What is to be run, or kept in a file. */
function Block({ children }: { children?: ReactNode }) {
  const say = useWords(words);
  const text = wordsIn(children);
  return (
    <div className={classes.block}>
      <Code label={say("block")} text={text} />
      <CopyButton text={text} />
    </div>
  );
}

function wordsIn(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map((one: ReactNode) => wordsIn(one)).join("");
  if (node && typeof node === "object" && "props" in node) return wordsIn((node.props as { children?: ReactNode }).children);
  return "";
}
