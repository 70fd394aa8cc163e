/**
 * A picture in its frame: enlarged, moved and turned by keys, wheel and pointer.
 *
 *     + − enlarge   arrows move what is enlarged   ⇧R turn
 *     wheel enlarges where the picture has the focus, or with Ctrl: else the page scrolls
 */
import { useEffect, useRef, useState } from "react";

import { useCommand } from "@/key/keys";
import type { Scope } from "@/key/registry";
import { useWords } from "@/words/words";

import { moved, STEP, turned, WHOLE, zoomed, type Frame, type View } from "./view";
import classes from "./veil.module.css";
import { words } from "./words";

const PACE = 60;
const WHEEL = 1.2;

interface Props {
  readonly url: string;
  readonly alt: string;
  /** It has the keys. */
  readonly keyed: boolean;
  readonly scope: Scope;
  /** Cannot be dragged away or saved by its menu. */
  readonly isBound: boolean;
}

export default function Picture({ url, alt, keyed, scope, isBound }: Props) {
  const say = useWords(words);
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>(WHOLE);
  const size = (): Frame => ({ width: frame.current?.clientWidth ?? 0, height: frame.current?.clientHeight ?? 0 });
  useWheel(frame, setView);
  const drag = useDrag(size, setView);
  const zoom = (factor: number) => setView((before) => zoomed(before, factor, size()));
  const move = (x: number, y: number) => setView((before) => moved(before, x * PACE, y * PACE, size()));
  const isLarge = keyed && view.zoom > 1;
  useCommand({ id: "veil.larger", scope, keys: ["+", "="], repeats: true, label: say("larger"), enabled: keyed, run: () => zoom(STEP) });
  useCommand({ id: "veil.smaller", scope, keys: "-", repeats: true, label: say("smaller"), enabled: keyed, run: () => zoom(1 / STEP) });
  useCommand({ id: "veil.turn", scope, keys: "Shift+R", label: say("turn"), enabled: keyed, run: () => setView(turned) });
  useCommand({ id: "veil.left", scope, keys: "ArrowLeft", repeats: true, label: say("moveLeft"), enabled: isLarge, run: () => move(1, 0) });
  useCommand({ id: "veil.right", scope, keys: "ArrowRight", repeats: true, label: say("moveRight"), enabled: isLarge, run: () => move(-1, 0) });
  useCommand({ id: "veil.up", scope, keys: "ArrowUp", repeats: true, label: say("moveUp"), enabled: isLarge, run: () => move(0, 1) });
  useCommand({ id: "veil.down", scope, keys: "ArrowDown", repeats: true, label: say("moveDown"), enabled: isLarge, run: () => move(0, -1) });
  return (
    // Its keys are commands; the focus only says whose the wheel is, the pointer moves what is enlarged.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={frame} className={classes.frame} data-turned={view.turn % 2 === 1 || undefined} data-large={view.zoom > 1 || undefined} data-zoom={view.zoom.toFixed(2)} tabIndex={0} role="group" aria-label={say("pictureKeys")} {...drag}>
      {/* Only its menu is kept away. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <img
        src={url}
        alt={alt}
        decoding="async"
        draggable={false}
        onContextMenu={isBound ? (event) => event.preventDefault() : undefined}
        style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.zoom}) rotate(${view.turn * 90}deg)` }}
      />
      {view.zoom > 1 ? (
        <span className={`${classes.tag} ${classes.zoom} tnum`} role="status">
          {say("zoomed", { zoom: Math.round(view.zoom * 10) / 10 })}
        </span>
      ) : null}
    </div>
  );
}

type Change = (next: (before: View) => View) => void;

/** React hears the wheel too late to keep the page from scrolling. */
function useWheel(frame: React.RefObject<HTMLDivElement | null>, setView: Change): void {
  useEffect(() => {
    const node = frame.current;
    if (!node) return undefined;
    const turn = (event: WheelEvent) => {
      if (!event.ctrlKey && !node.contains(document.activeElement)) return;
      event.preventDefault();
      const box = node.getBoundingClientRect();
      const at = { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
      setView((before) => zoomed(before, event.deltaY < 0 ? WHEEL : 1 / WHEEL, box, at));
    };
    node.addEventListener("wheel", turn, { passive: false });
    return () => node.removeEventListener("wheel", turn);
  }, [frame, setView]);
}

function useDrag(size: () => Frame, setView: Change) {
  return {
    onPointerDown: (event: React.PointerEvent<HTMLDivElement>) => event.currentTarget.setPointerCapture(event.pointerId),
    onPointerMove: (event: React.PointerEvent<HTMLDivElement>) => {
      if (event.buttons === 1) setView((before) => moved(before, event.movementX, event.movementY, size()));
    },
  };
}
