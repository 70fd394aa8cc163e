/**
 * Markdown that people of the organisation wrote.
 *
 * Guarantees: no HTML of it is ever an element, no picture is loaded, no link leads anywhere: they are
 * shown as text.
 */
import Markdown from "markdown-to-jsx/react";
import type { ReactNode } from "react";

function Text({ children, alt, href }: { children?: ReactNode; alt?: string; href?: string }) {
  return (
    <span className="user-text" title={href}>
      {children ?? alt}
    </span>
  );
}

export default function SafeMarkdown({ text }: { text: string }) {
  return (
    <div className="user-text">
      <Markdown options={{ disableParsingRawHTML: true, forceBlock: true, overrides: { a: { component: Text }, img: { component: Text }, input: { component: Text }, iframe: { component: Text } } }}>{text}</Markdown>
    </div>
  );
}
