/**
 * Places of a location bank: what kind each is, what it covers, how far away something is.
 *
 * Source: the haversine distance on the sphere that review-api measures on (3,959 miles).
 */
import type { Schema } from "@/api/client";
import { languageTag } from "@/words/words";

export type Place = Schema["LocationView"];
export type PlaceFields = Schema["LocationFields"];
export interface Point {
  readonly lat: number;
  readonly lng: number;
}

export const METRES_A_MILE = 1609.344;
const EARTH_RADIUS = 3959 * METRES_A_MILE;

export type PlaceKind = "circle" | "rectangle" | "cell" | "google";
export const PLACE_KINDS: readonly PlaceKind[] = ["circle", "rectangle", "cell", "google"];

export function kindOf(place: Place): PlaceKind {
  if (place.googlePlaceInfo) return "google";
  if (place.geohash) return "cell";
  return place.bounds ? "rectangle" : "circle";
}

/** Degrees: south, west, north, east; null while a place of Google's is not known yet. */
export interface Box {
  readonly south: number;
  readonly west: number;
  readonly north: number;
  readonly east: number;
}

export function boxOf(place: Place): Box | null {
  if (place.bounds) {
    const { southwestCorner: low, northeastCorner: high } = place.bounds;
    return { south: low.lat, west: low.lng, north: high.lat, east: high.lng };
  }
  if (!place.geometry) return null;
  const { center, radius } = place.geometry;
  const tall = ((radius ?? 0) * METRES_A_MILE * 180) / (Math.PI * EARTH_RADIUS);
  // At a pole a circle touches every meridian.
  const wide = Math.min(180, tall / Math.max(0.01, Math.cos((center.lat * Math.PI) / 180)));
  return { south: center.lat - tall, west: center.lng - wide, north: center.lat + tall, east: center.lng + wide };
}

export function centreOf(place: Place): Point | null {
  if (place.geometry && kindOf(place) === "circle") return place.geometry.center;
  const box = boxOf(place);
  if (!box) return null;
  // A rectangle whose west is east of its east lies across the antimeridian.
  const east = box.east < box.west ? box.east + 360 : box.east;
  const lng = (box.west + east) / 2;
  return { lat: (box.south + box.north) / 2, lng: lng > 180 ? lng - 360 : lng };
}

/** Metres between two points. */
export function distance(a: Point, b: Point): number {
  const rad = Math.PI / 180;
  const [lat, lng] = [(b.lat - a.lat) * rad, (b.lng - a.lng) * rad];
  const part = Math.sin(lat / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(lng / 2) ** 2;
  return 2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.sqrt(part)));
}

/** `350 m`, `1.2 km`, `1,200 km`. */
export function lengthText(metres: number): string {
  const [value, unit] = metres < 1000 ? [Math.round(metres), "meter"] : [metres / 1000, "kilometer"];
  return new Intl.NumberFormat(languageTag(), { style: "unit", unit, maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 }).format(value);
}

export function pointText({ lat, lng }: Point): string {
  const digits = (value: number) => String(Math.round(value * 1e5) / 1e5);
  return `${digits(lat)}, ${digits(lng)}`;
}

/** `38.75, -9.15` as a point, `eyckrws` as a geohash; null where it is neither. */
export function readPlace(text: string): { point: Point } | { geohash: string } | null {
  const said = text.trim();
  const pair = /^(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)$/.exec(said);
  if (pair) return { point: { lat: Number(pair[1]), lng: Number(pair[2]) } };
  // No geohash has a, i, l or o.
  return /^[0-9b-hjkmnp-z]{1,24}$/i.test(said) ? { geohash: said.toLowerCase() } : null;
}

/** The name, or else what it is. */
export function calledPlace(place: Place): string {
  if (place.name) return place.name;
  if (place.geohash) return place.geohash;
  const centre = centreOf(place);
  return centre ? pointText(centre) : (place.googlePlaceInfo?.id ?? place.id);
}
