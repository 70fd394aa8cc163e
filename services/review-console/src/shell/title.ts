/** The name of what this is; the one proper name that is the same in every language. */
export const appName = "Coop";
