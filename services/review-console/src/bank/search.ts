/** The address of the list of banks. */
import { z } from "zod/mini";

import { ListSearch } from "@/settings/documents";

export const KINDS = ["text", "location", "hash"] as const;
export type BankKind = (typeof KINDS)[number];

export const Search = z.extend(ListSearch, { kind: z.catch(z.optional(z.enum(KINDS)), undefined) });
export type Search = z.infer<typeof Search>;
