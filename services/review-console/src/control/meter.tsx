/** A share of something as a bar; it always stands beside a number or words. */
import classes from "./control.module.css";

export function Meter({ share, width, colour, height = 4 }: { share: number; width?: number; colour?: string; height?: number }) {
  const percent = `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%`;
  return (
    <span className={classes.bar} style={{ width: width ?? "100%", height }} aria-hidden="true">
      <i style={{ width: percent, background: colour }} />
    </span>
  );
}
