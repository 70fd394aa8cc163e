/** Which time, cut how, against what: in the address, so that a link shows the same. */
import { Button, Menu, Popover, TextInput } from "@mantine/core";
import { IconCalendar, IconChevronDown, IconHistory } from "@tabler/icons-react";
import { useId, useState } from "react";

import { useWords } from "@/words/words";

import { useDayRange } from "./use-day-name";
import classes from "./measure.module.css";
import { SPANS, USUAL, type Span, type WindowSearch } from "./search";
import { LONGEST_HOURLY, type TimeWindow } from "./window";
import { words } from "./words";

interface Props {
  readonly window: TimeWindow;
  /** Buckets in it. */
  readonly buckets: number;
  readonly search: WindowSearch;
  readonly choose: (search: WindowSearch) => void;
}

export function TimeChoice(props: Props) {
  return (
    <>
      <Division {...props} />
      <Days {...props} />
      <Against {...props} />
    </>
  );
}

function Division({ window, search, choose }: Props) {
  const say = useWords(words);
  const id = useId();
  const isInert = window.days > LONGEST_HOURLY;
  return (
    <span className={classes.seg} role="group" aria-label={say("by")}>
      <button type="button" aria-pressed={window.bucket === "HOUR"} aria-disabled={isInert} aria-describedby={isInert ? id : undefined} title={isInert ? say("hourlyInert") : undefined} onClick={() => !isInert && choose({ ...search, by: "HOUR" })}>
        {say("HOUR")}
      </button>
      {isInert ? (
        <span id={id} className="hidden">
          {say("hourlyInert")}
        </span>
      ) : null}
      <button type="button" aria-pressed={window.bucket === "DAY"} onClick={() => choose({ ...search, by: "DAY" })}>
        {say("DAY")}
      </button>
    </span>
  );
}

/** The days alone, where nothing is cut or compared. */
export function Days({ window, search, choose }: Props) {
  const say = useWords(words);
  const rangeName = useDayRange();
  const [isOpen, setOpen] = useState(false);
  const [from, setFrom] = useState(window.from);
  const [to, setTo] = useState(window.to);
  const label = say("window", { range: rangeName(window.from, window.to), days: window.days });
  const take = (change: WindowSearch) => {
    setOpen(false);
    choose({ by: search.by, against: search.against, ...change });
  };
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button size="xs" leftSection={<IconCalendar className="icon" aria-hidden="true" />} rightSection={<IconChevronDown size={14} aria-hidden="true" />} onClick={() => { setFrom(window.from); setTo(window.to); setOpen(!isOpen); }}>
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.days}>
        {(Object.keys(SPANS) as Span[]).map((span) => (
          <Button key={span} size="xs" variant="subtle" justify="start" aria-pressed={!search.from && (search.span ?? USUAL) === span} onClick={() => take({ span })}>
            {span === "today" ? say("today") : say("lastDays", { days: SPANS[span] })}
          </Button>
        ))}
        <form
          className={classes.between}
          aria-label={say("chooseDays")}
          onSubmit={(event) => {
            event.preventDefault();
            if (from && to) take(from <= to ? { from, to } : { from: to, to: from });
          }}
        >
          <TextInput type="date" size="xs" label={say("from")} value={from} required onChange={(event) => setFrom(event.currentTarget.value)} />
          <TextInput type="date" size="xs" label={say("to")} value={to} required onChange={(event) => setTo(event.currentTarget.value)} />
          <Button size="xs" type="submit">
            {say("apply")}
          </Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function Against({ window, buckets, search, choose }: Props) {
  const say = useWords(words);
  const name = (is: boolean) => (is ? say("against", { unit: window.bucket, count: buckets }) : say("againstNone"));
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" leftSection={<IconHistory className="icon" aria-hidden="true" />} rightSection={<IconChevronDown size={14} aria-hidden="true" />}>
          {name(window.isCompared)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => choose({ ...search, against: undefined })}>{name(true)}</Menu.Item>
        <Menu.Item onClick={() => choose({ ...search, against: "none" })}>{name(false)}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
