/** A place added to a location bank, or one of it changed. */
import { Button, Group, NumberInput, SegmentedControl, TextInput } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "@/api/problem";
import { Dialog } from "@/control/dialog";
import { Problem } from "@/control/state";
import { toast } from "@/control/toast";
import { useWords } from "@/words/words";

import { changePlaces, type LocationBank } from "./bank";
import classes from "./bank.module.css";
import { words } from "./location-words";
import { boxOf, calledPlace, kindOf, METRES_A_MILE, PLACE_KINDS, readPlace, type Place, type PlaceFields, type PlaceKind, type Point } from "./place";

type Number_ = number | "";

export interface Draft {
  readonly kind: PlaceKind;
  readonly name: string;
  readonly lat: Number_;
  readonly lng: Number_;
  readonly metres: Number_;
  readonly south: Number_;
  readonly west: Number_;
  readonly north: Number_;
  readonly east: Number_;
  readonly geohash: string;
  readonly googleId: string;
}

const FIELDS = { circle: ["lat", "lng", "metres"], rectangle: ["south", "west", "north", "east"], cell: ["geohash"], google: ["googleId"] } as const;
type Field = (typeof FIELDS)[PlaceKind][number];

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

export function draftOf(place: Place | null, at: Point | null): Draft {
  const box = place ? boxOf(place) : null;
  const centre = place?.geometry?.center ?? at;
  const radius = place?.geometry?.radius;
  return {
    kind: place ? kindOf(place) : "circle",
    name: place?.name ?? "",
    lat: centre ? rounded(centre.lat) : "",
    lng: centre ? rounded(centre.lng) : "",
    metres: radius ? Math.round(radius * METRES_A_MILE * 100) / 100 : "",
    south: box ? rounded(box.south) : "",
    west: box ? rounded(box.west) : "",
    north: box ? rounded(box.north) : "",
    east: box ? rounded(box.east) : "",
    geohash: place?.geohash ?? "",
    googleId: place?.googlePlaceInfo?.id ?? "",
  };
}

/** Which fields of its kind are not as they must be. */
export function wrongIn(draft: Draft): Field[] {
  const isIn = (value: Number_, most: number) => value !== "" && Math.abs(value) <= most;
  const isRight: Readonly<Record<Field, boolean>> = {
    lat: isIn(draft.lat, 90),
    lng: isIn(draft.lng, 180),
    metres: draft.metres !== "" && draft.metres > 0,
    south: isIn(draft.south, 90),
    north: isIn(draft.north, 90),
    west: isIn(draft.west, 180),
    east: isIn(draft.east, 180),
    geohash: "geohash" in (readPlace(draft.geohash) ?? {}),
    googleId: /^[A-Za-z0-9_-]{1,500}$/.test(draft.googleId.trim()),
  };
  return FIELDS[draft.kind].filter((field) => !isRight[field]);
}

/** `id`: of the place that it was; one without is new. */
export function placeOf(draft: Draft, id: string | undefined): PlaceFields {
  const shared = { id, name: draft.name.trim() };
  const number = (value: Number_) => (value === "" ? 0 : value);
  switch (draft.kind) {
    case "circle":
      return { ...shared, geometry: { center: { lat: number(draft.lat), lng: number(draft.lng) }, radius: number(draft.metres) / METRES_A_MILE } };
    case "rectangle": {
      const [south, west, north, east] = [draft.south, draft.west, draft.north, draft.east].map(number) as [number, number, number, number];
      const middle = east < west ? (west + east + 360) / 2 : (west + east) / 2;
      return { ...shared, geometry: { center: { lat: (south + north) / 2, lng: middle > 180 ? middle - 360 : middle } }, bounds: { southwestCorner: { lat: south, lng: west }, northeastCorner: { lat: north, lng: east } } };
    }
    case "cell":
      return { ...shared, geohash: draft.geohash.trim().toLowerCase() };
    case "google":
      return { ...shared, googlePlaceInfo: { id: draft.googleId.trim() } };
  }
}

interface Props {
  readonly bank: LocationBank;
  readonly place: Place | null;
  readonly at: Point | null;
  readonly close: () => void;
  readonly done: (id: string) => void;
}

export function PlaceDialog({ bank, place, at, close, done }: Props) {
  const say = useWords(words);
  const [draft, setDraft] = useState(() => draftOf(place, at));
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wrong = wrongIn(draft);
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const save = async () => {
    setTried(true);
    if (isBusy || wrong.length > 0) return;
    setBusy(true);
    setError(null);
    // Its id is made here, so that what is sent twice is one place.
    const id = place?.id ?? crypto.randomUUID();
    const sent = placeOf(draft, id);
    try {
      await changePlaces(bank, [sent], []);
      toast(say(place ? "saved" : "added", { place: calledPlace({ ...sent, id }) }));
      done(id);
      close();
    } catch (refused) {
      if (!asProblem(refused)) throw refused;
      setError(refused);
      setBusy(false);
    }
  };
  const fault = (field: Field, text: string) => (isTried && wrong.includes(field) ? text : null);
  const degrees = (field: "lat" | "lng" | "south" | "west" | "north" | "east", label: string, most: number) => <NumberInput key={field} size="xs" label={label} value={draft[field]} onChange={(value) => set({ [field]: typeof value === "number" ? value : value === "" ? "" : Number(value) })} decimalScale={6} step={0.01} hideControls error={fault(field, say("numberNeeded", { least: -most, most }))} />;
  return (
    <Dialog opened onClose={close} title={say(place ? "editTitle" : "addTitle")} centered>
      <form
        className={classes.dialog}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SegmentedControl size="xs" aria-label={say("kind")} value={draft.kind} data={PLACE_KINDS.map((value) => ({ value, label: say(value) }))} onChange={(value) => set({ kind: PLACE_KINDS.find((one) => one === value) ?? "circle" })} />
        <TextInput data-autofocus size="xs" label={say("name")} placeholder={say("nameHint")} value={draft.name} onChange={(event) => set({ name: event.currentTarget.value })} maxLength={255} />
        {draft.kind === "circle" ? (
          <>
            <div className={classes.pair}>
              {degrees("lat", say("latitude"), 90)}
              {degrees("lng", say("longitude"), 180)}
            </div>
            <NumberInput size="xs" label={say("radiusMetres")} description={say("fromMap")} value={draft.metres} onChange={(value) => set({ metres: typeof value === "number" ? value : "" })} min={0} thousandSeparator="," error={fault("metres", say("radiusNeeded"))} />
          </>
        ) : null}
        {draft.kind === "rectangle" ? (
          <div className={classes.pair}>
            {degrees("south", say("south"), 90)}
            {degrees("west", say("west"), 180)}
            {degrees("north", say("north"), 90)}
            {degrees("east", say("east"), 180)}
          </div>
        ) : null}
        {draft.kind === "cell" ? <TextInput size="xs" className={classes.mono} label={say("geohash")} value={draft.geohash} onChange={(event) => set({ geohash: event.currentTarget.value })} error={fault("geohash", say("geohashNeeded"))} /> : null}
        {draft.kind === "google" ? <TextInput size="xs" className={classes.mono} label={say("googleId")} description={say("googleHint")} value={draft.googleId} onChange={(event) => set({ googleId: event.currentTarget.value })} error={fault("googleId", say("idNeeded"))} /> : null}
        {error ? <Problem error={error} /> : null}
        <Group gap="sm" justify="flex-end">
          <Button onClick={close}>{say("cancel")}</Button>
          <Button type="submit" variant="filled" loading={isBusy}>
            {say(place ? "save" : "addNow")}
          </Button>
        </Group>
      </form>
    </Dialog>
  );
}
