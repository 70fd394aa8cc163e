/** Over the page whose session ended: the same person signs in, and the page is as it was. */
import { Dialog } from "@/control/dialog";
import { enter, useSession } from "@/session/session";
import { SignInForm } from "@/session/sign-in-form";
import { words as sessionWords } from "@/session/words";
import { useWords } from "@/words/words";

export default function SignInAgain() {
  const say = useWords(sessionWords);
  const { user, org } = useSession();
  return (
    <Dialog opened onClose={() => undefined} withCloseButton={false} closeOnEscape={false} closeOnClickOutside={false} title={say("endTitle")} size={380} centered>
      <p className="dim t13">{say("endText")}</p>
      {user.hasPassword ? <SignInForm email={user.email} organisation={org.slug ?? org.id} entered={enter} awaits={() => location.assign("/awaiting-approval")} /> : null}
      {/* There it is gone through; this tab goes on once it is told (`follow`). */}
      <p className="t13" style={{ marginTop: 12 }}>
        <a href="/sign-in?way=sso" target="_blank" rel="opener">
          {say("ssoElsewhere")}
        </a>
      </p>
    </Dialog>
  );
}
