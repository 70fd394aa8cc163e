/** The picture of a user of the platform: always veiled, by the server. */
import { IconUser } from "@tabler/icons-react";
import { useState } from "react";

import classes from "./job.module.css";
import { veiledAddress } from "./media";

/** Pixels on the page; twice as many are fetched. */
const SMALL = 40;

export function Face({ avatar, size }: { avatar: { readonly ref: string } | null; size: number }) {
  const [broken, setBroken] = useState(false);
  const style = { width: size, height: size };
  if (avatar === null || broken) {
    return (
      <span className={classes.face} style={{ ...style, display: "grid", placeItems: "center", color: "var(--dim)" }} aria-hidden="true">
        <IconUser size={size * 0.6} stroke={1.5} />
      </span>
    );
  }
  return <img className={classes.face} style={style} src={veiledAddress(avatar.ref, size <= SMALL ? 64 : 112)} alt="" loading="lazy" onError={() => setBroken(true)} />;
}
