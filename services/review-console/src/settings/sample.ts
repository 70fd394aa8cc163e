/**
 * Requests to the public API that somebody can paste and run, made of an organisation's own item types.
 *
 * Guarantees: the key and the address are read from the environment (COOP_KEY, COOP_URL) and stand in
 * no sample; what is made up is one that ingest accepts.
 */
import type { Schema } from "@/api/client";

export const LANGUAGES = ["curl", "python", "javascript"] as const;
export type Language = (typeof LANGUAGES)[number];

type Type = Pick<Schema["ItemTypeView"], "id" | "name" | "kind" | "fields"> & { readonly fieldRoles?: Schema["FieldRolesFields"] };
type Scalar = Schema["ScalarType"];

const MADE_UP: Readonly<Partial<Record<Scalar, unknown>>> = {
  STRING: "Hello",
  NUMBER: 1,
  BOOLEAN: false,
  ID: "id-1",
  URL: "https://example.com/page",
  IMAGE: "https://example.com/picture.jpg",
  VIDEO: "https://example.com/film.mp4",
  AUDIO: "https://example.com/sound.mp3",
  MEDIA: "https://example.com/picture.jpg",
  GEOHASH: "u33dc0",
  IP_ADDRESS: "203.0.113.7",
  EMAIL_ADDRESS: "someone@example.com",
};

/** The type of what a related item is: that of who wrote it, what it is in, or what it answers. */
function relatedTo(role: string | undefined, types: readonly Type[], own: Type): { id: string; typeId: string } {
  const kind = role === "threadId" ? "THREAD" : role === "parentId" ? own.kind : "USER";
  const found = types.find((one) => one.kind === kind) ?? own;
  return { id: `${kind.toLowerCase()}-1`, typeId: found.id };
}

export function dataOf(type: Type, types: readonly Type[], now: string): Record<string, unknown> {
  const roles = Object.entries(type.fieldRoles ?? {});
  const one = (scalar: Scalar, role: string | undefined): unknown => {
    if (scalar === "RELATED_ITEM" || scalar === "USER_ID") return relatedTo(role, types, type);
    if (scalar === "DATETIME") return now;
    return MADE_UP[scalar] ?? "id-1";
  };
  // A policy is one that there is: no sample makes one up.
  const fields = type.fields.filter((field) => field.name !== "" && (field.type !== "POLICY_ID" || field.required));
  return Object.fromEntries(
    fields.map((field) => {
      const role = roles.find(([, name]) => name === field.name)?.[0];
      const value = field.container?.valueScalarType;
      if (field.type === "ARRAY") return [field.name, [one(value ?? "STRING", role)]];
      if (field.type === "MAP") return [field.name, { key: one(value ?? "STRING", role) }];
      return [field.name, one(field.type, role)];
    }),
  );
}

/** The id of what a sample sends: of each kind one, so that it is found again. */
export function sampleId({ kind }: Pick<Type, "kind">): string {
  return `${kind.toLowerCase()}-1`;
}

export function itemBody(type: Type, types: readonly Type[], now: string): object {
  return { items: [{ id: sampleId(type), typeId: type.id, data: dataOf(type, types, now) }] };
}

/** The request in a language; `path` is below `/api/v1/`. */
export function requestIn(language: Language, path: string, body: object): string {
  const json = JSON.stringify(body, null, 2);
  if (language === "curl") {
    // A quote in the body would end the shell's.
    return `curl -i "$COOP_URL/api/v1/${path}" \\\n  -H "X-API-KEY: $COOP_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${json.replaceAll("'", "'\\''")}'`;
  }
  if (language === "python") {
    return `import json, os, urllib.request

body = json.loads(r"""${json.replaceAll('"""', '\\"\\"\\"')}""")
request = urllib.request.Request(
    os.environ["COOP_URL"] + "/api/v1/${path}",
    data=json.dumps(body).encode(),
    headers={"X-API-KEY": os.environ["COOP_KEY"], "Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    print(answer.status)`;
  }
  return `const answer = await fetch(process.env.COOP_URL + "/api/v1/${path}", {
  method: "POST",
  headers: { "X-API-KEY": process.env.COOP_KEY, "Content-Type": "application/json" },
  body: JSON.stringify(${json.replaceAll("\n", "\n  ")}),
});
console.log(answer.status);`;
}
