/** The composition root: styles, preferences, then the first route. */
import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/noto-sans/wght.css";
import "@mantine/core/styles.layer.css";
import "./look/tokens.css";
import "./look/base.css";
import "./look/mantine.css";

import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queries } from "./api/query";
import { firstComesFirst } from "./api/quiet";
import { startPreferences, usePreference } from "./preference/preference";
import { contextQuery } from "./review/context";
import { router } from "./router";
import { sessionQuery } from "./session/session";
import { copyMomentsWhole } from "./time/copied";
import { theme } from "./look/theme";

function Console() {
  const { theme: chosen } = usePreference();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const scheme = chosen === "SYSTEM" ? (dark ? "dark" : "light") : chosen === "DARK" ? "dark" : "light";
  return (
    <MantineProvider theme={theme} forceColorScheme={scheme} getStyleNonce={styleNonce} withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** The nonce under which the page's policy lets styles be made while it runs. */
function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

/** A link to a job: it is asked for beside who is signed in, and not after that. */
function askFirst(): void {
  void queries.prefetchQuery(sessionQuery);
  const jobId = /^\/jobs\/([\w-]+)$/.exec(location.pathname)?.[1];
  if (jobId === undefined) return;
  const query = contextQuery(jobId);
  // Refused, the page asks again, and says why.
  queries.fetchQuery({ ...query, retry: false }).catch(() => queries.removeQueries({ queryKey: query.queryKey }));
}

startPreferences();
copyMomentsWhole();
askFirst();
firstComesFirst();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  );
}
