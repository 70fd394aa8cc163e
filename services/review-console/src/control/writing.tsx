/**
 * Where somebody writes more than a line: as high as what is in it, between two bounds.
 *
 * Guarantees: the browser finds the height while it lays out the page; nothing is measured by a second,
 * hidden field at each key anywhere on the page. A browser that cannot has the least, and scrolls.
 */
import { Textarea, type TextareaProps } from "@mantine/core";
import type { Ref } from "react";

import classes from "./control.module.css";

interface Props extends Omit<TextareaProps, "autosize" | "minRows" | "maxRows" | "rows" | "classNames" | "styles"> {
  readonly ref?: Ref<HTMLTextAreaElement>;
  /** Lines at least and at most. */
  readonly lines: readonly [number, number];
}

export function Writing({ lines: [least, most], ...props }: Props) {
  return <Textarea {...props} rows={least} classNames={{ input: classes.writing }} styles={{ input: { "--least": least, "--most": most } }} />;
}
