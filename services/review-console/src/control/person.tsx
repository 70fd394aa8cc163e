/**
 * A colleague: initials on a colour that stays the same for the same person.
 */
import classes from "./control.module.css";

// White text on each of them has 4.5:1 and more.
const COLOURS = ["#3b6996", "#7a5d00", "#476a4e", "#7b4f79", "#3f6b73", "#5d5aa0", "#6b5b4f", "#8a4b2f"];

export function initialOf(name: string): string {
  return (Array.from(name.trim())[0] ?? "?").toLocaleUpperCase();
}

export function Avatar({ name, id, size = 20 }: { name: string; id: string; size?: number }) {
  let sum = 0;
  for (const letter of id || name) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  const background = COLOURS[sum % COLOURS.length];
  return (
    <span className={classes.avatar} style={{ background, width: size, height: size }} aria-hidden="true">
      {initialOf(name)}
    </span>
  );
}

export function AvatarStack({ people }: { people: readonly { id: string; name: string }[] }) {
  return (
    <span className={classes.stack}>
      {people.map((person) => (
        <Avatar key={person.id} {...person} />
      ))}
    </span>
  );
}
