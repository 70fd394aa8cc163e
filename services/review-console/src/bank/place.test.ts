import { expect, it } from "vitest";

import { boxOf, centreOf, distance, kindOf, lengthText, METRES_A_MILE, readPlace, type Place } from "./place";
import { draftOf, placeOf, wrongIn } from "./place-dialog";

const circle: Place = { id: "c", name: "School", geometry: { center: { lat: 38.7528, lng: -9.1566 }, radius: 350 / METRES_A_MILE } };
const fiji: Place = { id: "f", geometry: { center: { lat: -17, lng: 179 } }, bounds: { southwestCorner: { lat: -19, lng: 176 }, northeastCorner: { lat: -15, lng: -178 } } };

it("a circle's box holds it, wider in degrees the nearer it is to a pole", () => {
  const box = boxOf(circle);
  expect((box?.north ?? 0) - (box?.south ?? 0)).toBeCloseTo(0.0063, 4);
  expect((box?.east ?? 0) - (box?.west ?? 0)).toBeGreaterThan((box?.north ?? 0) - (box?.south ?? 0));
  const pole = boxOf({ id: "p", geometry: { center: { lat: 90, lng: 0 }, radius: 10 } });
  expect(pole?.east).toBeLessThanOrEqual(180);
});

it("a rectangle across the antimeridian has its centre on it", () => {
  expect(centreOf(fiji)?.lng).toBeCloseTo(179, 6);
  expect(kindOf(fiji)).toBe("rectangle");
});

it("distances are those of the sphere", () => {
  // Lisbon and New York: 5,424 km on a sphere of 3,959 miles.
  expect(distance({ lat: 38.7223, lng: -9.1393 }, { lat: 40.7128, lng: -74.006 }) / 1000).toBeCloseTo(5422, -1);
  expect(distance(circle.geometry?.center ?? { lat: 0, lng: 0 }, { lat: 38.7528, lng: -9.1566 })).toBe(0);
});

it("what somebody writes is a point, a geohash, or neither", () => {
  expect(readPlace(" 38.75, -9.15 ")).toEqual({ point: { lat: 38.75, lng: -9.15 } });
  expect(readPlace("38.75 -9.15")).toEqual({ point: { lat: 38.75, lng: -9.15 } });
  expect(readPlace("EYCKRWS")).toEqual({ geohash: "eyckrws" });
  for (const wrong of ["", "Lisbon", "38.75,", "a", "12-3"]) expect(readPlace(wrong)).toBeNull();
});

it("what a form holds of a place is that place again", () => {
  for (const place of [circle, fiji, { id: "g", name: "", geohash: "ez3fh", geometry: { center: { lat: 1, lng: 2 } } } as Place]) {
    const draft = draftOf(place, null);
    expect(wrongIn(draft)).toEqual([]);
    const back = placeOf(draft, place.id);
    expect(back.id).toBe(place.id);
    if (place.geohash) expect(back).toMatchObject({ geohash: "ez3fh" });
    else if (place.bounds) expect(back.bounds).toEqual(place.bounds);
    else expect(back.geometry?.radius).toBeCloseTo(place.geometry?.radius ?? 0, 4);
  }
});

it("each kind says which of its own fields are wrong, and no other's", () => {
  const empty = draftOf(null, null);
  expect(wrongIn(empty)).toEqual(["lat", "lng", "metres"]);
  expect(wrongIn({ ...empty, kind: "rectangle", south: -91, west: 0, north: 1, east: 1 })).toEqual(["south"]);
  expect(wrongIn({ ...empty, kind: "cell", geohash: "all" })).toEqual(["geohash"]);
  expect(wrongIn({ ...empty, kind: "google", googleId: "no spaces here" })).toEqual(["googleId"]);
});

it("lengths are read in metres, then kilometres", () => {
  expect(lengthText(350)).toMatch(/^350\s?m$/);
  expect(lengthText(1250)).toMatch(/^1.25\s?km$/);
});
