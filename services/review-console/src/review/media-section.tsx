/** The media of an item: one at a time behind the veil, `[ ]` to the others; beside it what is known
 * of it, so that looking can be spared. */
import { useQuery } from "@tanstack/react-query";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";

import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { sentenceOf } from "@/control/sentence";
import { Keys, useCommand } from "@/key/keys";
import { useSession } from "@/session/session";
import { Veil } from "@/veil/veil";
import { useWords } from "@/words/words";

import { typeOf, type Context, type Item } from "./context";
import { spoken } from "./item-view";
import classes from "./job.module.css";
import { flashesOf, loadOf, veiledAgain, type MediaValue } from "./media";
import { words } from "./words";

interface Found {
  readonly item: Item;
  readonly value: MediaValue;
}

/** Of the job's own item; of a job about child safety, also of what lies around it. */
function mediaOf(context: Context, item: Item): Found[] {
  const type = typeOf(context.types, item);
  const icon = type?.fieldRoles.profileIcon;
  const own = item.media.filter((one) => type?.kind === "USER" || fieldOf(one) !== icon).map((value) => ({ item, value }));
  if (!context.job.csam || item !== context.item) return own;
  return [...own, ...context.additionalItems.flatMap((other) => other.media.map((value) => ({ item: other, value })))];
}

export function MediaSection({ context, item }: { context: Context; item: Item }) {
  const say = useWords(words);
  const media = mediaOf(context, item);
  const [at, setAt] = useState(0);
  const index = Math.min(at, media.length - 1);
  const one = media[index]?.value;
  const step = (by: number) => setAt((before) => (Math.min(before, media.length - 1) + by + media.length) % media.length);
  const several = media.length > 1;
  useCommand({ id: "job.previousMedium", scope: "job", keys: "[", label: say("previousMedium"), enabled: several, run: () => step(-1) });
  useCommand({ id: "job.nextMedium", scope: "job", keys: "]", label: say("nextMedium"), enabled: several, run: () => step(1) });
  if (!one) return null;
  const title = say("imageOf", { kind: one.kind ?? "other", n: index + 1, count: media.length });
  const steps = several ? (
    <span className="row g4">
      <button type="button" className={classes.icon} aria-label={say("previousMedium")} onClick={() => step(-1)}>
        <IconChevronLeft size={16} aria-hidden="true" />
      </button>
      <Keys of="job.previousMedium" fallback="[" />
      <Keys of="job.nextMedium" fallback="]" />
      <button type="button" className={classes.icon} aria-label={say("nextMedium")} onClick={() => step(1)}>
        <IconChevronRight size={16} aria-hidden="true" />
      </button>
    </span>
  ) : null;
  return (
    <section className={classes.sect} data-block tabIndex={-1} aria-label={title}>
      <Shown
        key={one.ref}
        context={context}
        one={one}
        title={
          <span className="row g8">
            <h3>{title}</h3>
            {steps}
          </span>
        }
      />
    </section>
  );
}

function fieldOf(one: MediaValue): string {
  return (one.pointer.split("/")[2] ?? "").replace(/~1/g, "/").replace(/~0/g, "~");
}

function Shown({ context, one, title }: { context: Context; one: MediaValue; title: ReactNode }) {
  const say = useWords(words);
  const { wellness } = useSession();
  const { id, csam } = context.job;
  const { data, error } = useQuery({
    queryKey: ["media-facts", one.ref],
    staleTime: Infinity,
    retry: false,
    queryFn: ({ signal }) => take(api.GET("/v1/media/{ref}/facts", { params: { path: { ref: one.ref } }, signal })),
  });
  const problem = asProblem(error);
  const kind = (one.kind ?? data?.kind ?? "IMAGE").toLowerCase() as "image" | "video" | "audio";
  const facts = (
    <dl className={classes.kv} aria-label={say("facts")}>
      <dt>{say("field")}</dt>
      <dd>{spoken(fieldOf(one))}</dd>
      {data?.mediaType ? (
        <>
          <dt>{say("kind")}</dt>
          <dd>{data.mediaType}</dd>
        </>
      ) : null}
      {data?.width && data.height ? (
        <>
          <dt>{say("size")}</dt>
          <dd className="tnum">{`${data.width} × ${data.height}`}</dd>
        </>
      ) : null}
      {data?.duration ? (
        <>
          <dt>{say("length")}</dt>
          <dd className="tnum">{say("seconds", { seconds: Math.round(data.duration) })}</dd>
          <dt>{say("sound")}</dt>
          <dd>{say(data.hasSound ? "yes" : "no")}</dd>
        </>
      ) : null}
      {data?.bytes ? (
        <>
          <dt>{say("weight")}</dt>
          <dd className="tnum">{say("kilobytes", { kilobytes: Math.ceil(data.bytes / 1024) })}</dd>
        </>
      ) : null}
      {problem ? <dd className="dim">{sentenceOf(problem)}</dd> : null}
      {data && data.state !== "ok" ? <dd className="dim">{say("mediaGone", { why: data.reason })}</dd> : null}
    </dl>
  );
  return (
    <Veil
      medium={{ ref: one.ref, kind, width: data?.width, height: data?.height, state: data?.state, isGrave: csam, caption: csam ? say("graveCaption") : null }}
      load={loadOf(context.isBlind ? { secondReviewId: id } : { jobId: id }, one.kind ?? data?.kind ?? null)}
      flashesOf={flashesOf}
      wellness={wellness}
      jobKey={id}
      first={csam ? "caption" : "veiled"}
      keyed
      onVeil={veiledAgain}
      title={title}
      aside={facts}
    />
  );
}
