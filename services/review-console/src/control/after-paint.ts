/** What comes after the next frame was painted, so that it is not painted later for it. */
import { useEffect, useState } from "react";

/** A page that is not looked at is not painted: then, soon. */
const PATIENCE_MS = 100;

export function afterPaint(): Promise<void> {
  return new Promise((resolve) => {
    const soon = setTimeout(resolve, PATIENCE_MS);
    requestAnimationFrame(() => {
      clearTimeout(soon);
      // A message comes once the frame that it was sent from is painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
  });
}

/** True from then on. */
export function usePainted(): boolean {
  const [isPainted, setPainted] = useState(false);
  useEffect(() => {
    let isHere = true;
    void afterPaint().then(() => {
      if (isHere) setPainted(true);
    });
    return () => {
      isHere = false;
    };
  }, []);
  return isPainted;
}
