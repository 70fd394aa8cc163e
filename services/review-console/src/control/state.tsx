/**
 * What stands in place of content: nothing yet, nothing found, loading, or a fault.
 *
 * Guarantees: a fault is said in the reader's words with the next step and the request id; grey lines
 * show after 150 ms and not before; a part of a page that breaks does not take the others with it.
 */
import { Button } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { Component, useEffect, useState, type ReactNode } from "react";

import { asProblem } from "@/api/problem";
import { isMissingPart, missPart } from "@/live/build";
import { useWords } from "@/words/words";

import classes from "./control.module.css";
import { CopyChip, shortened } from "./id-chip";
import { sentenceOf } from "./sentence";
import { words } from "./words";

/** `title`: what is not there. `children`: why, and what will be here. `next`: one step from here. */
export function Empty({ title, children, next }: { title: string; children: ReactNode; next?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <h2>{title}</h2>
      <div className="dim">{children}</div>
      {next ? <div className={classes.next}>{next}</div> : null}
    </div>
  );
}

export function Skeleton({ lines = 6 }: { lines?: number }) {
  const say = useWords(words);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return null;
  return (
    <div className={classes.lines} role="status" aria-label={say("loading")}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className={classes.line} />
      ))}
    </div>
  );
}

/** A fault in the place it hits. */
export function Problem({ error, again }: { error: unknown; again?: () => void }) {
  const say = useWords(words);
  const problem = asProblem(error);
  return (
    <div className={classes.problem} role="alert">
      <div className={classes.words}>
        <IconAlertCircle className="icon severe" aria-hidden="true" />
        <span>{problem ? sentenceOf(problem, say) : say(isMissingPart(error) ? "missingPart" : "broken")}</span>
      </div>
      <div className="row g8">
        {isMissingPart(error) ? (
          <Button size="xs" onClick={() => location.reload()}>
            {say("reload")}
          </Button>
        ) : again ? (
          <Button size="xs" onClick={again}>
            {say("tryAgain")}
          </Button>
        ) : null}
        {problem?.requestId ? (
          <span className="t12 dim row g4">
            {say("request")}
            <CopyChip text={problem.requestId} shown={shortened(problem.requestId)} />
          </span>
        ) : null}
      </div>
    </div>
  );
}

interface PaneProps {
  readonly children: ReactNode;
  /** What stands in its place once it broke; else that it did, and why. */
  readonly instead?: ReactNode;
  readonly broke?: (error: unknown) => void;
}

/** Around each pane. */
export class Pane extends Component<PaneProps, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    if (isMissingPart(error)) missPart();
    this.props.broke?.(error);
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    if (this.props.instead !== undefined) return this.props.instead;
    return <Problem error={this.state.error} again={() => this.setState({ error: null })} />;
  }
}
