/**
 * A button that may be impossible to press: it stays focusable, and says why in words beside it.
 */
import { Button, type ButtonProps } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useId, type ComponentPropsWithoutRef } from "react";

import classes from "./control.module.css";

type Props = ButtonProps & Omit<ComponentPropsWithoutRef<"button">, keyof ButtonProps> & { why: string | null };

export function InertButton({ why, onClick, ...rest }: Props) {
  const id = useId();
  return (
    <span className={classes.inert}>
      <Button {...rest} aria-disabled={why !== null} aria-describedby={why === null ? undefined : id} onClick={why === null ? onClick : undefined} />
      {why === null ? null : (
        <span id={id} className={classes.why}>
          <IconInfoCircle size={14} aria-hidden="true" />
          {why}
        </span>
      )}
    </span>
  );
}
