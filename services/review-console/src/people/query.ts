/** People of the organisation, invitations, and what each may do. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod/mini";

import { api, take, type Schema } from "@/api/client";
import { queries } from "@/api/query";
import { whole } from "@/configuration/query";

export type Person = Schema["UserView"];
export type Invitation = Schema["InvitationView"];
export type Role = Schema["RoleView"];
export const STATUSES = ["PENDING", "ACTIVE", "DISABLED", "REJECTED"] as const;
const text = z.catch(z.optional(z.string().check(z.minLength(1))), undefined);

/** The address. `who`: the one whose pane is open. */
export const Search = z.object({ q: text, role: text, status: z.catch(z.optional(z.enum(STATUSES)), undefined), who: text });
export type Search = z.infer<typeof Search>;

const PAGE = 50;

export function usersQuery({ q, role, status }: Search) {
  return infiniteQueryOptions({
    queryKey: ["users", q ?? null, role ?? null, status ?? null],
    queryFn: ({ pageParam, signal }) => take(api.GET("/v1/users", { params: { query: { search: q, role, status, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

export function userQuery(id: string) {
  return queryOptions({ queryKey: ["users", "one", id], queryFn: ({ signal }) => take(api.GET("/v1/users/{user_id}", { params: { path: { user_id: id } }, signal })) });
}

export const pendingQuery = queryOptions({
  queryKey: ["users", "pending"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/users", { params: { query: { ...query, status: "PENDING" } }, signal }))),
});

export const invitationsQuery = queryOptions({
  queryKey: ["users", "invitations"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/invitations", { params: { query }, signal }))),
});

export const rolesQuery = queryOptions({
  queryKey: ["configuration", "roles"],
  queryFn: ({ signal }) => whole((query) => take(api.GET("/v1/roles", { params: { query }, signal }))),
});

export const matrixQuery = queryOptions({
  queryKey: ["configuration", "matrix"],
  queryFn: ({ signal }) => take(api.GET("/v1/permission-matrix", { signal })),
});

export function renewPeople(): void {
  for (const key of ["users", "configuration"]) void queries.invalidateQueries({ queryKey: [key] });
}
