/** The person at the foot of the navigation: look, keys, signing out. */
import { Menu } from "@mantine/core";
import { useRouter } from "@tanstack/react-router";
import { IconAdjustments, IconKey, IconLogout, IconUser } from "@tabler/icons-react";
import { lazy, useState } from "react";

import { Overlay } from "@/control/overlay";
import { Avatar } from "@/control/person";
import { signOut, useSession } from "@/session/session";
import { useWords } from "@/words/words";

import classes from "./shell.module.css";
import { words } from "./words";

const LookDialog = lazy(() => import("./look-dialog"));

export function AccountMenu() {
  const say = useWords(words);
  const { user } = useSession();
  const router = useRouter();
  const [look, setLook] = useState(false);
  const leave = () => void signOut().then(() => router.navigate({ to: "/sign-in" }));
  return (
    <>
      <Menu position="top-start" width={220}>
        <Menu.Target>
          <button type="button" className={classes.link}>
            <Avatar name={user.name} id={user.id} />
            <span className="ell user-text" title={user.name}>{user.name}</span>
            <span className="hidden">{say("account")}</span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{say("signedInAs", { email: user.email })}</Menu.Label>
          <Menu.Item leftSection={<IconUser className="icon" />} onClick={() => void router.navigate({ to: "/settings/account" })}>
            {say("accountPage")}
          </Menu.Item>
          <Menu.Item leftSection={<IconKey className="icon" />} onClick={() => void router.navigate({ to: "/settings/security" })}>
            {say("securityPage")}
          </Menu.Item>
          <Menu.Item leftSection={<IconAdjustments className="icon" />} onClick={() => setLook(true)}>
            {say("look")}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout className="icon" />} onClick={leave}>
            {say("signOut")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Overlay close={() => setLook(false)}>{look ? <LookDialog close={() => setLook(false)} /> : null}</Overlay>
    </>
  );
}
