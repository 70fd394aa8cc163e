/**
 * A value as its type says.
 *
 * Guarantees: what people wrote is text; an address leads nowhere before somebody asked twice.
 */
import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";

import { Dialog } from "@/control/dialog";
import { CopyChip, IdChip } from "@/control/id-chip";
import { Moment } from "@/time/moment";
import { VeiledWords } from "@/veil/veiled-words";
import { useWords } from "@/words/words";

import type { Field } from "./context";
import classes from "./job.module.css";
import { words } from "./words";

const MOST = 50;

export function FieldValue({ field, value }: { field: Field; value: unknown }) {
  const { container } = field;
  if (container && Array.isArray(value)) {
    return (
      <span className="row g8" style={{ flexWrap: "wrap" }}>
        {value.slice(0, MOST).map((one, index) => (
          <Scalar key={index} type={container.valueScalarType} value={one} />
        ))}
      </span>
    );
  }
  if (container && typeof value === "object" && value !== null) {
    return (
      <>
        {Object.entries(value)
          .slice(0, MOST)
          .map(([name, one]) => (
            <div key={name}>
              <span className="dim user-text">{name}</span> <Scalar type={container.valueScalarType} value={one} />
            </div>
          ))}
      </>
    );
  }
  return <Scalar type={field.type} value={value} />;
}

function Scalar({ type, value }: { type: string; value: unknown }) {
  const say = useWords(words);
  if (value === null || value === undefined || value === "") return <span className="dim">{say("noValue")}</span>;
  if (typeof value === "boolean") return <>{say(value ? "yes" : "no")}</>;
  if (typeof value === "number") return <span className="tnum">{value.toLocaleString()}</span>;
  if (typeof value === "object") {
    const ref = value as { id?: unknown; name?: unknown };
    if (typeof ref.id === "string") return <IdChip id={ref.id} />;
    return <span className="user-text mono">{JSON.stringify(value)}</span>;
  }
  const text = String(value);
  if (type === "DATETIME" && !Number.isNaN(Date.parse(text))) return <Moment at={text} />;
  if (type === "URL") return <Address url={text} />;
  if (type === "ID" || type === "USER_ID" || type === "RELATED_ITEM" || type === "POLICY_ID") return <IdChip id={text} />;
  if (type === "IP_ADDRESS" || type === "GEOHASH") return <CopyChip text={text} shown={text} />;
  return (
    <span className="user-text" dir="auto">
      <VeiledWords>{text}</VeiledWords>
    </span>
  );
}

/** Shown as text; asked about before it opens. */
function Address({ url }: { url: string }) {
  const say = useWords(words);
  const [asked, setAsked] = useState(false);
  const isWeb = /^https?:\/\//i.test(url);
  const leave = () => {
    setAsked(false);
    window.open(url, "_blank", "noopener,noreferrer");
  };
  return (
    <>
      <span className="user-text">{url}</span>{" "}
      {isWeb ? (
        <button type="button" className={classes.plain} onClick={() => setAsked(true)}>
          {say("openLink")}
        </button>
      ) : null}
      {asked ? (
        <Dialog opened onClose={() => setAsked(false)} title={say("leaveTitle")} centered>
          <Text size="sm">{say("leaveText")}</Text>
          <Text size="sm" mt={8} className="user-text mono">
            {url}
          </Text>
          <Group mt="lg" gap="sm" justify="flex-end">
            <Button onClick={leave}>{say("leaveYes")}</Button>
            <Button variant="filled" data-autofocus onClick={() => setAsked(false)}>
              {say("cancel")}
            </Button>
          </Group>
        </Dialog>
      ) : null}
    </>
  );
}
