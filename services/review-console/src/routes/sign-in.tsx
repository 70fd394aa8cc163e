import { createFileRoute, redirect } from "@tanstack/react-router";
import { z } from "zod/mini";

import { queries } from "@/api/query";
import { sessionQuery } from "@/session/session";
import { SignInPage } from "@/session/sign-in-page";

const Search = z.object({
  returnTo: z.catch(z.optional(z.string().check(z.startsWith("/"))), undefined),
  way: z.catch(z.optional(z.enum(["sso"])), undefined),
  /** What became of single sign-on: the API sends browsers here with it. */
  singleSignOn: z.catch(z.optional(z.string()), undefined),
  provider: z.catch(z.optional(z.string()), undefined),
  requestId: z.catch(z.optional(z.string()), undefined),
});

export const Route = createFileRoute("/sign-in")({
  validateSearch: Search,
  beforeLoad: async () => {
    if (await queries.ensureQueryData(sessionQuery)) throw redirect({ to: "/" });
  },
  component: SignInPage,
});
