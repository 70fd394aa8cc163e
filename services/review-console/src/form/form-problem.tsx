/** What a form was refused for that belongs to no field. */
import type { ApiProblem } from "@/api/problem";
import { Problem } from "@/control/state";

export function FormProblem({ problem }: { problem: ApiProblem | null }) {
  return problem ? <Problem error={problem} /> : null;
}
