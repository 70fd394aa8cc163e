/** A span that people waited or worked, as they say it: `48 s`, `3 min 20`, `1 h 05`, `2 d 4 h`. */
import { useWords } from "@/words/words";

import { words } from "./words";

const two = (value: number) => String(value).padStart(2, "0");

export function useDuration(): (seconds: number | null) => string {
  const say = useWords(words);
  return (given) => {
    if (given === null) return say("noDuration");
    const seconds = Math.round(given);
    if (seconds < 60) return say("durationSeconds", { seconds });
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return say("durationMinutes", { minutes, seconds: two(seconds % 60) });
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return say("durationHours", { hours, minutes: two(minutes % 60) });
    return say("durationDays", { days: Math.floor(hours / 24), hours: hours % 24 });
  };
}
