/**
 * How a picture lies in its frame: how large, where, which way up. Pure functions.
 *
 * Guarantees: between whole and eight times; what is enlarged never leaves its frame; whole again it
 * lies where it lay.
 */
export interface View {
  readonly zoom: number;
  /** Pixels from the middle. */
  readonly x: number;
  readonly y: number;
  /** Quarters of a turn, to the right. */
  readonly turn: 0 | 1 | 2 | 3;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
}

export const WHOLE: View = { zoom: 1, x: 0, y: 0, turn: 0 };
export const MOST = 8;
export const STEP = 1.5;

function within(value: number, most: number): number {
  return Math.min(most, Math.max(-most, value)) + 0; // never -0
}

function kept(view: View, { width, height }: Frame): View {
  const beyond = (view.zoom - 1) / 2;
  return { ...view, x: within(view.x, width * beyond), y: within(view.y, height * beyond) };
}

/** `at`: what stays where it is, in pixels from the middle of the frame. */
export function zoomed(view: View, factor: number, frame: Frame, at = { x: 0, y: 0 }): View {
  const zoom = Math.min(MOST, Math.max(1, view.zoom * factor));
  const by = zoom / view.zoom;
  return kept({ ...view, zoom, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, frame);
}

export function moved(view: View, x: number, y: number, frame: Frame): View {
  return kept({ ...view, x: view.x + x, y: view.y + y }, frame);
}

export function turned(view: View): View {
  return { ...WHOLE, turn: ((view.turn + 1) % 4) as View["turn"] };
}
