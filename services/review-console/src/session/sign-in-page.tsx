/** The door itself. */
import { getRouteApi, Link, useNavigate, useRouter } from "@tanstack/react-router";

import { CopyChip, shortened } from "@/control/id-chip";
import { useWords } from "@/words/words";

import { Door, Said } from "./door";
import classes from "./door.module.css";
import { enter } from "./session";
import { SignInForm, SsoForm } from "./sign-in-form";
import { words } from "./words";

const route = getRouteApi("/sign-in");

export function SignInPage() {
  const say = useWords(words);
  const { returnTo = "/", way, singleSignOn, requestId } = route.useSearch();
  const navigate = useNavigate();
  const router = useRouter();
  return (
    <Door
      title={say("signIn")}
      foot={
        <>
          {way === "sso" ? (
            <Link to="/sign-in" search={{ returnTo }}>
              {say("usePassword")}
            </Link>
          ) : (
            <Link to="/sign-in" search={{ returnTo, way: "sso" }}>
              {say("useSso")}
            </Link>
          )}
          <Link to="/forgot-password">{say("forgot")}</Link>
        </>
      }
    >
      {singleSignOn ? (
        <div className={classes.form} role="alert">
          <Said>
            <span>
              {say("ssoRefused", { outcome: singleSignOn })}{" "}
              {requestId ? (
                <span className="dim t12">
                  {say("request")} <CopyChip text={requestId} shown={shortened(requestId)} />
                </span>
              ) : null}
            </span>
          </Said>
        </div>
      ) : null}
      {way === "sso" ? (
        <SsoForm returnTo={returnTo} />
      ) : (
        <SignInForm
          entered={(session) => {
            enter(session);
            router.history.push(returnTo);
          }}
          awaits={() => void navigate({ to: "/awaiting-approval" })}
        />
      )}
    </Door>
  );
}
