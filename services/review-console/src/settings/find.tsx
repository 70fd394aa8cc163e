/** The field that a list is searched by: what is typed goes into the address a moment later. */
import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState, type Ref } from "react";

import classes from "./settings.module.css";

const PAUSE_MS = 250;

interface Props {
  readonly value: string | undefined;
  readonly find: (q: string | undefined) => void;
  readonly label: string;
  readonly ref?: Ref<HTMLInputElement>;
}

export function Find({ value = "", find, label, ref }: Props) {
  const [typed, setTyped] = useState({ of: value, text: value });
  // Back, or "show all": the address is another one than what was typed here led to.
  const text = typed.of === value ? typed.text : value;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (next: string) => {
    setTyped({ of: value, text: next });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const q = next.trim();
      setTyped({ of: q, text: next });
      find(q === "" ? undefined : q);
    }, PAUSE_MS);
  };
  return <TextInput ref={ref} type="search" size="xs" className={classes.find} leftSection={<IconSearch className="icon" aria-hidden="true" />} aria-label={label} placeholder={label} value={text} onChange={(event) => type(event.currentTarget.value)} />;
}
