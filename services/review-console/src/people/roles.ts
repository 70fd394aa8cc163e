/** What roles are called: as they are now, or as every organisation starts with them. */
import { useQuery } from "@tanstack/react-query";

import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";

import { rolesQuery, type Role } from "./query";

const NONE: Role[] = [];

export function useRoles(): { list: readonly Role[]; name: (id: string) => string } {
  const may = usePermission("MANAGE_ROLES", "MANAGE_USERS");
  const list = useQuery({ ...rolesQuery, retry: false, enabled: may }).data ?? NONE;
  return { list, name: (id) => list.find((one) => one.id === id)?.name ?? calledBy(id) };
}
