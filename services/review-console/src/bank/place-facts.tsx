/** One place of a location bank, in words and figures. */
import { useWords } from "@/words/words";
import { IdChip } from "@/control/id-chip";

import classes from "./bank.module.css";
import { words } from "./location-words";
import { boxOf, calledPlace, centreOf, distance, kindOf, lengthText, METRES_A_MILE, pointText, type Place } from "./place";

export function PlaceFacts({ place }: { place: Place }) {
  const say = useWords(words);
  const centre = centreOf(place);
  return (
    <dl className={classes.facts}>
      <dt>{say("name")}</dt>
      <dd className="user-text med">{calledPlace(place)}</dd>
      <dt>{say("kind")}</dt>
      <dd>{say(kindOf(place))}</dd>
      {place.geohash ? (
        <>
          <dt>{say("geohash")}</dt>
          <dd className="mono">{place.geohash}</dd>
        </>
      ) : null}
      <dt>{say("centre")}</dt>
      <dd className="mono">{centre ? pointText(centre) : say("notKnown")}</dd>
      <dt>{kindOf(place) === "circle" ? say("radius") : say("size")}</dt>
      <dd>{sizeText(place) ?? say("notKnown")}</dd>
      <dt>{say("id")}</dt>
      <dd>
        <IdChip id={place.id} />
      </dd>
      {place.googlePlaceInfo?.problem ? (
        <>
          <dt>{say("google")}</dt>
          <dd className="high">{place.googlePlaceInfo.problem}</dd>
        </>
      ) : null}
    </dl>
  );
}

/** A circle's radius, or width × height. */
export function sizeText(place: Place): string | null {
  if (kindOf(place) === "circle") return lengthText((place.geometry?.radius ?? 0) * METRES_A_MILE);
  const box = boxOf(place);
  if (!box) return null;
  const middle = (box.south + box.north) / 2;
  const wide = distance({ lat: middle, lng: box.west }, { lat: middle, lng: box.east });
  const tall = distance({ lat: box.south, lng: box.west }, { lat: box.north, lng: box.west });
  return `${lengthText(wide)} × ${lengthText(tall)}`;
}
