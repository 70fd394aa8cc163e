/** What I saw unveiled, for me alone. */
import { useQuery } from "@tanstack/react-query";

import { Problem, Skeleton } from "@/control/state";
import { Moment, useSpan } from "@/time/moment";
import { useWords } from "@/words/words";

import classes from "./wellness.module.css";
import { exposureQuery } from "./wellness";
import { words } from "./words";

export function Exposure() {
  const say = useWords(words);
  const span = useSpan();
  const { data, error, refetch } = useQuery(exposureQuery);
  if (error) return <Problem error={error} again={() => void refetch()} />;
  if (!data) return <Skeleton lines={4} />;
  const { stretch, days } = data;
  const seen = days.filter((day) => day.reveals > 0);
  return (
    <>
      <p className="t13">
        {stretch.beganAt === null ? say("rested") : say.rich("stretch", { time: <Moment at={stretch.beganAt} />, reveals: stretch.reveals, graphic: stretch.graphic, span: span(stretch.seconds * 1000) })}
      </p>
      {seen.length === 0 ? (
        <p className="t13 dim">{say("nothingSeen")}</p>
      ) : (
        <table className={classes.table}>
          <caption className="hidden">{say("exposure")}</caption>
          <thead>
            <tr>
              <th scope="col">{say("day")}</th>
              <th scope="col" className="num">{say("reveals")}</th>
              <th scope="col" className="num">{say("graphic")}</th>
              <th scope="col" className="num">{say("time")}</th>
            </tr>
          </thead>
          <tbody>
            {seen.map((day) => (
              <tr key={day.day}>
                <td>{day.day}</td>
                <td className="num">{day.reveals.toLocaleString()}</td>
                <td className="num">{day.graphic.toLocaleString()}</td>
                <td className="num">{span(day.seconds * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
