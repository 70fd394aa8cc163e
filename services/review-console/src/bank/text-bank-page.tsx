/** One text bank: its entries at the left; what it would find, a file, who uses it at the right. */
import { SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { z } from "zod/mini";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { InertButton } from "@/control/inert";
import { Pane } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { Changed } from "@/settings/changed";
import { DocumentFields, Faults, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import shared from "@/settings/settings.module.css";
import { faultsUnder, useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { sayer, useWords } from "@/words/words";

import { AddTexts } from "./add-texts";
import { linesOf, textBankQuery, type TextBank } from "./bank";
import { BankImport, ExportMenu } from "./import";
import { Entries } from "./entries";
import { Rename } from "./rename";
import { UsedByRules } from "./used-by";
import { words } from "./words";
import { WouldMatch } from "./would-match";

const route = getRouteApi("/_app/banks_/text/$bankId");

export function TextBankPage() {
  const say = useWords(words);
  const { bankId } = route.useParams();
  return (
    <DocumentPage id={bankId === "new" ? null : bankId} query={textBankQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/banks">{say("toList")}</Link> }}>
      {(bank) => (bank ? <Bank key={bank.id} bank={bank} /> : <New />)}
    </DocumentPage>
  );
}

function Bank({ bank }: { bank: TextBank }) {
  const say = useWords(words);
  const navigate = useNavigate();
  const mayChange = usePermission("MUTATE_LIVE_RULES");
  const why = mayChange ? null : say("mayNot", { needs: calledBy("MUTATE_LIVE_RULES") });
  const [q, setQ] = useState("");
  const [isAdding, setAdding] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useCommand({ id: "bank.add", scope: "list", keys: "A", label: say("addKey"), enabled: mayChange, run: () => setAdding(true) });
  useCommand({ id: "bank.find", scope: "list", keys: "/", label: say("findKey"), run: () => field.current?.focus() });
  return (
    <>
      <SettingsHead title={bank.name} within={{ to: "/banks", name: say("title") }} facts={<><span className="badge">{say(bank.type)}</span> <Changed document={bank} /></>}>
        <ExportMenu path="text-banks" id={bank.id} />
        {mayChange ? (
          <>
            <Rename path="text-banks" bank={bank} query={textBankQuery(bank.id)} />
            <RemoveButton document={bank} remove={() => take(api.DELETE("/v1/text-banks/{document_id}", { params: { path: { document_id: bank.id } } }))} done={() => void navigate({ to: "/banks" })} />
          </>
        ) : null}
        <InertButton why={why} size="xs" variant="filled" onClick={() => setAdding(true)} rightSection={<Keys of="bank.add" fallback="A" />}>
          {say("add")}
        </InertButton>
      </SettingsHead>
      <div className={shared.page}>
        <Pane>
          <Entries bank={bank} q={q} setQ={setQ} field={field} mayChange={mayChange} />
        </Pane>
        <div className={shared.beside}>
          <Pane>
            <WouldMatch bank={bank} show={setQ} />
          </Pane>
          {mayChange ? (
            <Pane>
              <BankImport path="text-banks" bank={bank} />
            </Pane>
          ) : null}
          <Part title={say("usedBy")}>
            <UsedByRules document={bank} />
          </Part>
          <Pane>
            <Versions
              kind="text-banks"
              id={bank.id}
              revision={bank.revision}
              named={(name) => (name === "strings" || name === "name" || name === "description" || name === "type" ? say(name) : name)}
              dirty={false}
              load={() => take(api.GET("/v1/text-banks/{document_id}/revisions", { params: { path: { document_id: bank.id }, query: { limit: 20 } } }))}
              restore={(revision) => take(api.POST("/v1/text-banks/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: bank.id, revision } } }))}
              restored={() => queries.invalidateQueries({ queryKey: textBankQuery(bank.id).queryKey })}
            />
          </Pane>
        </div>
      </div>
      {isAdding ? <AddTexts bank={bank} close={() => setAdding(false)} /> : null}
    </>
  );
}

const say = sayer(words);
const Values = z.object({
  name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => say("nameNeeded") })),
  description: z.string(),
  type: z.enum(["STRING", "REGEX"]),
  strings: z.string(),
});
type Values = z.infer<typeof Values>;
const EMPTY: Values = { name: "", description: "", type: "STRING", strings: "" };

function New() {
  const navigate = useNavigate();
  const form = useDocumentForm<TextBank, Values>({
    document: null,
    schema: Values,
    valuesOf: () => EMPTY,
    save: ({ strings, ...values }) => take(api.POST("/v1/text-banks", { body: { ...values, name: values.name.trim(), strings: linesOf(strings) } })),
    read: (id) => take(api.GET("/v1/text-banks/{document_id}", { params: { path: { document_id: id } } })),
    saved: useSaved(textBankQuery, (id) => void navigate({ to: "/banks/text/$bankId", params: { bankId: id }, replace: true, ignoreBlocker: true })),
  });
  const { input } = form;
  return (
    <>
      <SettingsHead title={say("newText")} within={{ to: "/banks", name: say("title") }}>
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={shared.page} data-alone>
        <DocumentFields form={form} valuesOf={() => EMPTY} named={(name) => name}>
          <div className={shared.lines} style={{ maxWidth: 840 }}>
            <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
            <TextInput {...input("description")} size="xs" label={say("description")} />
            <div className={shared.line}>
              <span>{say("type")}</span>
              <span>
                <SegmentedControl {...input("type")} size="xs" aria-label={say("type")} style={{ justifySelf: "start" }} data={[{ value: "STRING", label: say("STRING") }, { value: "REGEX", label: say("REGEX") }]} />
              </span>
            </div>
            <Textarea {...input("strings")} size="xs" label={say("first")} description={say("firstHint")} autosize minRows={8} maxRows={20} dir="auto" spellCheck={false} />
            <Faults of={faultsUnder(form, "strings").slice(1)} />
          </div>
        </DocumentFields>
      </div>
    </>
  );
}
