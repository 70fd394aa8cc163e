/** Which places of a location bank hold a point: answered while it is written, and marked on the map. */
import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, take, type Schema } from "@/api/client";
import { Problem } from "@/control/state";
import { Severity } from "@/look/severity";
import { Part } from "@/settings/document-form";
import { useWords } from "@/words/words";

import type { LocationBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./location-words";
import { calledPlace, centreOf, distance, lengthText, readPlace, type Place, type Point } from "./place";

const PAUSE_MS = 150;

interface Props {
  readonly bank: LocationBank;
  readonly show: (id: string) => void;
  readonly tried: (point: Point | null) => void;
}

export function WouldHold({ bank, show, tried }: Props) {
  const say = useWords(words);
  const [text, setText] = useState("");
  const [written] = useDebouncedValue(text, PAUSE_MS);
  const asked = readPlace(written);
  const { data, error } = useQuery({
    queryKey: ["bank-match", bank.id, bank.revision, asked],
    enabled: asked !== null,
    retry: false,
    gcTime: 10_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => take(api.POST("/v1/location-banks/{document_id}/match", { params: { path: { document_id: bank.id } }, body: asked ?? {}, signal })),
  });
  const point = asked && "point" in asked ? asked.point : null;
  const type = (next: string) => {
    setText(next);
    const read = readPlace(next);
    tried(read && "point" in read ? read.point : null);
  };
  return (
    <Part title={say("would")}>
      <TextInput size="xs" className={classes.mono} aria-label={say("wouldField")} placeholder={say("wouldField")} value={text} onChange={(event) => type(event.currentTarget.value)} />
      <div className={classes.answer} role="status">
        {written.trim() === "" ? null : asked === null ? <span className="dim">{say("wouldNot")}</span> : error ? <Problem error={error} /> : data ? <Found of={data} places={bank.locations ?? []} point={point} show={show} /> : null}
      </div>
    </Part>
  );
}

interface FoundProps {
  readonly of: Schema["LocationMatchView"];
  readonly places: readonly Place[];
  readonly point: Point | null;
  readonly show: (id: string) => void;
}

function Found({ of, places, point, show }: FoundProps) {
  const say = useWords(words);
  const far = (place: Place | undefined) => {
    const centre = place && centreOf(place);
    return point && centre ? distance(point, centre) : null;
  };
  const nearest = of.matched || !point ? null : places.reduce<{ place: Place; away: number } | null>((best, place) => {
    const away = far(place);
    return away !== null && (best === null || away < best.away) ? { place, away } : best;
  }, null);
  return (
    <>
      {of.entries.map((entry) => {
        const place = places.find((one) => one.id === entry.id);
        const away = far(place);
        return (
          <span key={entry.id}>
            <Severity level="done">
              <button type="button" className={`${classes.link ?? ""} user-text`} onClick={() => show(entry.id)}>
                {say("inside", { place: place ? calledPlace(place) : entry.name || entry.id })}
              </button>
            </Severity>{" "}
            {away === null ? null : <span className="dim">{say("insideOf", { distance: lengthText(away) })}</span>}
          </span>
        );
      })}
      {of.more ? <span className="dim">{say("moreInside")}</span> : null}
      {of.matched ? null : <Severity level="none">{say("outside")}</Severity>}
      {nearest ? (
        <button type="button" className={`${classes.link ?? ""} user-text`} onClick={() => show(nearest.place.id)}>
          {say("nearest", { place: calledPlace(nearest.place), distance: lengthText(nearest.away) })}
        </button>
      ) : null}
      {of.unknown > 0 ? <Severity level="medium">{say("unknown", { count: of.unknown })}</Severity> : null}
    </>
  );
}
