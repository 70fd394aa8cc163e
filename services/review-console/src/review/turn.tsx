/**
 * A job's page that may be made before its turn.
 *
 *     made, outside the document ──its turn──▶ in its place, and alive
 *
 * Guarantees: before its turn it is no part of the document and none of its effects run: no key, focus
 * or reader reaches it, and nothing is asked for, revealed, told or counted for it.
 */
import { Activity, useCallback, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";

import classes from "./job.module.css";

function makePlace(): HTMLElement {
  const place = document.createElement("div");
  place.className = classes.turn ?? "";
  return place;
}

/** `isNow`: it is its turn, and stays so. */
export function Turn({ isNow, children }: { isNow: boolean; children: ReactNode }) {
  const [place] = useState(makePlace);
  const put = useCallback((frame: HTMLElement | null) => frame?.append(place), [place]);
  return (
    <>
      {isNow ? <div ref={put} className={classes.turn} /> : null}
      <Activity mode={isNow ? "visible" : "hidden"}>{createPortal(children, place)}</Activity>
    </>
  );
}
