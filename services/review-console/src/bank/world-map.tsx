/**
 * Places on an outline of the world that is part of the console: nobody is asked for a map.
 *
 * Source: Natural Earth, 1:110 million, land (public domain), as world-atlas has it; longitude and
 * latitude are drawn as they are (plate carrée).
 * Guarantees: small places are drawn 6 px at least; near ones share a count, and a press on it shows
 * them larger; all of it is reached by keys, and said to be the same as the list.
 */
import { ActionIcon } from "@mantine/core";
import { IconMinus, IconPlus, IconWorld } from "@tabler/icons-react";
import { useEffect, useId, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import outline from "world-atlas/land-110m.json";

import { useWords } from "@/words/words";

import classes from "./bank.module.css";
import { words } from "./location-words";
import { boxOf, calledPlace, centreOf, kindOf, lengthText, type Place, type Point } from "./place";

const LEAST_PX = 6;
const NEAR_PX = 26;
const MOST_ZOOM = 20_000;
const METRES_A_DEGREE = 111_195;
/** As the style sheet has it: panes below each other. */
const NARROW = "(max-width: 1100px)";

/** The outline as one path, latitude downwards. */
const LAND = landPath();

function landPath(): string {
  const topology = outline as unknown as Topology<{ land: GeometryCollection }>;
  const rings: string[] = [];
  for (const { geometry } of feature(topology, topology.objects.land).features) {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
    for (const ring of polygons.flat()) rings.push(...drawn(ring));
  }
  return rings.join("");
}

/** A ring as it goes on over the antimeridian, once on each side of the map; one around a pole down to it. */
function drawn(ring: readonly (readonly number[])[]): string[] {
  let turns = 0;
  let last = ring[0]?.[0] ?? 0;
  const points = ring.map(([lng = 0, lat = 0]): readonly [number, number] => {
    if (Math.abs(lng - last) > 180) turns += lng < last ? 1 : -1;
    last = lng;
    return [lng + turns * 360, lat];
  });
  const [first, end] = [points[0], points.at(-1)];
  if (first && end && turns !== 0) points.push([end[0], -90], [first[0], -90]);
  const isOver = points.some(([lng]) => Math.abs(lng) > 180);
  return (isOver ? [-360, 0, 360] : [0]).map((by) => `M${points.map(([lng, lat]) => `${(lng + by).toFixed(2)} ${(-lat).toFixed(2)}`).join("L")}Z`);
}

interface View {
  readonly lng: number;
  readonly lat: number;
  /** 1: the whole world is as wide as the map. */
  readonly zoom: number;
}
const WORLD: View = { lng: 0, lat: 12, zoom: 1 };

function within({ lng, lat, zoom }: View): View {
  return { lng: Math.max(-180, Math.min(180, lng)), lat: Math.max(-85, Math.min(85, lat)), zoom: Math.max(1, Math.min(MOST_ZOOM, zoom)) };
}

interface Props {
  readonly places: readonly Place[];
  readonly chosen: string | null;
  readonly choose: (id: string) => void;
  readonly tried: Point | null;
  readonly pressed: (point: Point) => void;
}

export default function WorldMap({ places, chosen, choose, tried, pressed }: Props) {
  const say = useWords(words);
  const hint = useId();
  const ref = useRef<HTMLDivElement>(null);
  const [wide, tall] = useSize(ref);
  const [view, setView] = useState<View>(WORLD);
  const drag = useRef<{ x: number; y: number; from: View; moved: boolean } | null>(null);
  const perDegree = (wide / 360) * view.zoom;
  const x = (lng: number) => wide / 2 + (lng - view.lng) * perDegree;
  const y = (lat: number) => tall / 2 - (lat - view.lat) * perDegree;
  const zoomBy = (by: number) => setView((had) => within({ ...had, zoom: had.zoom * by }));
  const pan = (right: number, up: number) => setView((had) => within({ ...had, lng: had.lng + right / perDegree, lat: had.lat + up / perDegree }));
  useShown(places, chosen, wide, tall, setView);
  useWheel(ref, zoomBy);

  const keys: Readonly<Record<string, () => void>> = { ArrowLeft: () => pan(-60, 0), ArrowRight: () => pan(60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60), "+": () => zoomBy(1.6), "=": () => zoomBy(1.6), "-": () => zoomBy(1 / 1.6), "0": () => setView(WORLD) };
  const key = (event: KeyboardEvent) => {
    const run = keys[event.key];
    if (!run || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  };
  const down = (event: PointerEvent) => {
    drag.current = { x: event.clientX, y: event.clientY, from: view, moved: false };
  };
  const move = (event: PointerEvent) => {
    const at = drag.current;
    if (!at || event.buttons === 0) return;
    const [right, up] = [event.clientX - at.x, event.clientY - at.y];
    if (Math.abs(right) + Math.abs(up) > 3) at.moved = true;
    if (at.moved) setView(within({ ...at.from, lng: at.from.lng - right / perDegree, lat: at.from.lat + up / perDegree }));
  };
  const up = (event: PointerEvent) => {
    const at = drag.current;
    drag.current = null;
    if (!at || at.moved || !event.shiftKey) return;
    const box = event.currentTarget.getBoundingClientRect();
    pressed({ lng: view.lng + (event.clientX - box.left - wide / 2) / perDegree, lat: view.lat - (event.clientY - box.top - tall / 2) / perDegree });
  };
  const marks = marksOf(places, { x, y, wide, tall, perDegree, chosen });
  return (
    <div className={classes.map} ref={ref}>
      <span id={hint} className="hidden">
        {say("mapKeys")}
      </span>
      {/* It takes keys: what is moved about here is the same as the list below, which is the way for readers. */}
      <svg role="group" aria-label={say("map")} aria-describedby={hint} tabIndex={0} viewBox={`0 0 ${wide} ${tall}`} onKeyDown={key} onPointerDown={down} onPointerMove={move} onPointerUp={up}>
        <Graticule x={x} y={y} wide={wide} tall={tall} />
        <path className={classes.land} d={LAND} transform={`translate(${x(0)} ${y(0)}) scale(${perDegree})`} />
        {marks.map((mark) => (
          <MarkOf key={mark.key} mark={mark} choose={choose} larger={(point) => setView((had) => within({ ...point, zoom: had.zoom * 4 }))} />
        ))}
        {tried ? <path className={classes.tried} d={aimedAt(x(tried.lng), y(tried.lat))} /> : null}
      </svg>
      <span className={classes.zoom}>
        <ActionIcon variant="default" size={28} aria-label={say("larger")} onClick={() => zoomBy(2)}>
          <IconPlus className="icon" aria-hidden="true" />
        </ActionIcon>
        <ActionIcon variant="default" size={28} aria-label={say("smaller")} onClick={() => zoomBy(0.5)}>
          <IconMinus className="icon" aria-hidden="true" />
        </ActionIcon>
        <ActionIcon variant="default" size={28} aria-label={say("world")} onClick={() => setView(WORLD)}>
          <IconWorld className="icon" aria-hidden="true" />
        </ActionIcon>
      </span>
      <Legend />
      <Scale perDegree={perDegree} lat={view.lat} />
    </div>
  );
}

/** A ring with four ticks outside, so that what it is about stays in sight. */
function aimedAt(x: number, y: number): string {
  return `M${x - 14} ${y}a14 14 0 1 0 28 0a14 14 0 1 0 -28 0M${x - 22} ${y}h8M${x + 14} ${y}h8M${x} ${y - 22}v8M${x} ${y + 14}v8`;
}

/** Pixels; until it is laid out, what it mostly is. */
function useSize(ref: { readonly current: HTMLDivElement | null }): readonly [number, number] {
  const [size, setSize] = useState<readonly [number, number]>([800, 428]);
  useEffect(() => {
    const at = ref.current;
    if (!at) return undefined;
    const observer = new ResizeObserver(() => {
      if (at.clientWidth > 0 && at.clientHeight > 0) setSize([at.clientWidth, at.clientHeight]);
    });
    observer.observe(at);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/** What is chosen in the list comes into sight, at a size at which its shape is seen. */
function useShown(places: readonly Place[], chosen: string | null, wide: number, tall: number, setView: (to: (had: View) => View) => void): void {
  const known = useRef({ places, wide, tall });
  useEffect(() => {
    known.current = { places, wide, tall };
  });
  useEffect(() => {
    const place = known.current.places.find((one) => one.id === chosen);
    const centre = place && centreOf(place);
    const box = place && boxOf(place);
    if (!centre || !box) return;
    const span = Math.max(0.0005, box.north - box.south);
    const fits = (360 / known.current.wide) * (known.current.tall / (span * 3));
    setView((had) => {
      const perDegree = (known.current.wide / 360) * had.zoom;
      const isInSight = Math.abs(centre.lng - had.lng) * perDegree < known.current.wide / 2 - 40 && Math.abs(centre.lat - had.lat) * perDegree < known.current.tall / 2 - 40;
      return isInSight && span * perDegree > 24 ? had : within({ ...centre, zoom: fits });
    });
  }, [chosen, setView]);
}

/** Not React's: only a listener that is not passive keeps the page where it is. */
function useWheel(ref: { readonly current: HTMLDivElement | null }, zoomBy: (by: number) => void): void {
  const latest = useRef(zoomBy);
  useEffect(() => {
    latest.current = zoomBy;
  });
  useEffect(() => {
    const at = ref.current;
    const turn = (event: WheelEvent) => {
      // Where the page itself is what scrolls, the wheel is its.
      if (!event.ctrlKey && window.matchMedia(NARROW).matches) return;
      event.preventDefault();
      latest.current(event.deltaY < 0 ? 1.25 : 0.8);
    };
    at?.addEventListener("wheel", turn, { passive: false });
    return () => at?.removeEventListener("wheel", turn);
  }, [ref]);
}

interface Frame {
  readonly x: (lng: number) => number;
  readonly y: (lat: number) => number;
  readonly wide: number;
  readonly tall: number;
  readonly perDegree: number;
  readonly chosen: string | null;
}

interface Mark {
  readonly key: string;
  readonly at: Point;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly place: Place;
  readonly count: number;
  readonly isChosen: boolean;
}

/** What is in sight; what would lie on each other is one mark with a count, but for what is chosen. */
function marksOf(places: readonly Place[], { x, y, wide, tall, perDegree, chosen }: Frame): Mark[] {
  const single: Mark[] = [];
  const crowded = new Map<string, Mark>();
  for (const place of places) {
    const [box, at] = [boxOf(place), centreOf(place)];
    if (!box || !at) continue;
    const [px, py] = [x(at.lng), y(at.lat)];
    const across = box.east < box.west ? box.east + 360 - box.west : box.east - box.west;
    const [w, h] = [Math.max(LEAST_PX, across * perDegree), Math.max(LEAST_PX, (box.north - box.south) * perDegree)];
    if (px + w < 0 || px - w > wide || py + h < 0 || py - h > tall) continue;
    const mark: Mark = { key: place.id, at, x: px, y: py, w, h, place, count: 1, isChosen: place.id === chosen };
    if (mark.isChosen || w > NEAR_PX || h > NEAR_PX) {
      single.push(mark);
      continue;
    }
    const near = `${Math.floor(px / NEAR_PX)} ${Math.floor(py / NEAR_PX)}`;
    const first = crowded.get(near);
    crowded.set(near, first ? { ...first, key: `near ${near}`, count: first.count + 1 } : mark);
  }
  return [...crowded.values(), ...single];
}

function MarkOf({ mark, choose, larger }: { mark: Mark; choose: (id: string) => void; larger: (at: Point) => void }) {
  const say = useWords(words);
  const { x, y, w, h, place, count, isChosen, at } = mark;
  const isMany = count > 1;
  const name = isMany ? say("many", { count }) : calledPlace(place);
  const press = () => (isMany ? larger(at) : choose(place.id));
  const text = String(count);
  return (
    // Reached by the list with keys: fifty thousand stops of Tab are none.
    <g onClick={press} style={{ cursor: "pointer" }} className={isMany ? classes.many : undefined}>
      <title>{name}</title>
      {isMany ? (
        <>
          <rect x={x - 6 - text.length * 4} y={y - 10} width={12 + text.length * 8} height={20} rx={10} />
          <text x={x} y={y + 4}>
            {text}
          </text>
        </>
      ) : kindOf(place) === "circle" ? (
        <ellipse className={classes.place} data-chosen={isChosen || undefined} cx={x} cy={y} rx={w / 2} ry={h / 2} />
      ) : (
        <rect className={classes.cell} data-chosen={isChosen || undefined} x={x - w / 2} y={y - h / 2} width={w} height={h} />
      )}
    </g>
  );
}

function Graticule({ x, y, wide, tall }: Pick<Frame, "x" | "y" | "wide" | "tall">) {
  const lines = Array.from({ length: 13 }, (_, at) => -180 + at * 30);
  return (
    <>
      {lines.map((lng) => (
        <path key={lng} className={classes.grid} d={`M${x(lng)} 0V${tall}`} />
      ))}
      {lines.slice(3, 10).map((lat) => (
        <path key={lat} className={classes.grid} d={`M0 ${y(lat)}H${wide}`} />
      ))}
    </>
  );
}

function Legend() {
  const say = useWords(words);
  return (
    <span className={classes.legend}>
      <span>
        <svg viewBox="0 0 14 14" aria-hidden="true">
          <rect className={classes.cell} x="2" y="2" width="10" height="10" />
        </svg>
        {say("cellLegend")}
      </span>
      <span>
        <svg viewBox="0 0 14 14" aria-hidden="true">
          <circle className={classes.place} cx="7" cy="7" r="5" />
        </svg>
        {say("circleLegend")}
      </span>
      <span>{say("outline")}</span>
    </span>
  );
}

/** A round length that fits, at the middle of the map. */
function Scale({ perDegree, lat }: { perDegree: number; lat: number }) {
  const perMetre = perDegree / (METRES_A_DEGREE * Math.max(0.05, Math.cos((lat * Math.PI) / 180)));
  const most = 120 / perMetre;
  const ten = 10 ** Math.floor(Math.log10(most));
  const metres = (most / ten >= 5 ? 5 : most / ten >= 2 ? 2 : 1) * ten;
  return (
    <span className={classes.scale} style={{ width: metres * perMetre }}>
      {lengthText(metres)}
    </span>
  );
}
