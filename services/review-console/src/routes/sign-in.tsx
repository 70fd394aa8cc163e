import { createFileRoute, redirect } from "@tanstack/react-router";
import { z } from "zod";

import { queries } from "@/api/query";
import { sessionQuery } from "@/session/session";
import { SignInPage } from "@/session/sign-in-page";

const Search = z.object({
  returnTo: z.string().startsWith("/").optional().catch(undefined),
  way: z.enum(["sso"]).optional().catch(undefined),
  /** What became of single sign-on: the API sends browsers here with it. */
  singleSignOn: z.string().optional().catch(undefined),
  provider: z.string().optional().catch(undefined),
  requestId: z.string().optional().catch(undefined),
});

export const Route = createFileRoute("/sign-in")({
  validateSearch: Search,
  beforeLoad: async () => {
    if (await queries.ensureQueryData(sessionQuery)) throw redirect({ to: "/" });
  },
  component: SignInPage,
});
