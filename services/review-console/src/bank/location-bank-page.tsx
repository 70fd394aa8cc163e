/** One location bank: a map and its places at the left; one of them, a trial, a file at the right. */
import { Button, Textarea, TextInput } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { z } from "zod/mini";

import { api, take } from "@/api/client";
import { queries } from "@/api/query";
import { InertButton } from "@/control/inert";
import { Pane } from "@/control/state";
import { Keys, useCommand } from "@/key/keys";
import { calledBy } from "@/session/permission";
import { usePermission } from "@/session/session";
import { Changed } from "@/settings/changed";
import { DocumentFields, Part, SaveButtons } from "@/settings/document-form";
import { DocumentPage, useSaved } from "@/settings/document-page";
import { SettingsHead } from "@/settings/head";
import { RemoveButton } from "@/settings/remove";
import shared from "@/settings/settings.module.css";
import { useDocumentForm } from "@/settings/use-document-form";
import { Versions } from "@/settings/versions";
import { sayer, useWords } from "@/words/words";

import { locationBankQuery, type LocationBank } from "./bank";
import classes from "./bank.module.css";
import { BankImport, ExportMenu } from "./import";
import { words as placeWords } from "./location-words";
import type { Place, Point } from "./place";
import { PlaceDialog } from "./place-dialog";
import { PlaceFacts } from "./place-facts";
import { PlaceList } from "./place-list";
import { Rename } from "./rename";
import { UsedByRules } from "./used-by";
import { words } from "./words";
import { WouldHold } from "./would-hold";

const route = getRouteApi("/_app/banks_/location/$bankId");
const WorldMap = lazy(() => import("./world-map"));
const NONE: readonly Place[] = [];

export function LocationBankPage() {
  const say = useWords(words);
  const { bankId } = route.useParams();
  return (
    <DocumentPage id={bankId === "new" ? null : bankId} query={locationBankQuery} gone={{ title: say("gone"), text: say("goneText"), back: <Link to="/banks" search={{ kind: "location" }}>{say("toList")}</Link> }}>
      {(bank) => (bank ? <Bank key={bank.id} bank={bank} /> : <New />)}
    </DocumentPage>
  );
}

type Asked = { readonly place: Place | null; readonly at: Point | null } | null;

function Bank({ bank }: { bank: LocationBank }) {
  const say = useWords(words);
  const sayPlace = useWords(placeWords);
  const navigate = useNavigate();
  const mayChange = usePermission("MUTATE_LIVE_RULES");
  const why = mayChange ? null : say("mayNot", { needs: calledBy("MUTATE_LIVE_RULES") });
  const [chosen, setChosen] = useState<string | null>(null);
  const [tried, setTried] = useState<Point | null>(null);
  const [asked, setAsked] = useState<Asked>(null);
  const places = bank.locations ?? NONE;
  const place = places.find((one) => one.id === chosen) ?? null;
  const add = (at: Point | null = null) => (mayChange ? setAsked({ place: null, at }) : undefined);
  useCommand({ id: "bank.add", scope: "list", keys: "A", label: sayPlace("addKey"), enabled: mayChange, run: () => add() });
  useCommand({ id: "place.edit", scope: "list", keys: "E", label: sayPlace("editKey"), enabled: mayChange && place !== null, run: () => setAsked({ place, at: null }) });
  return (
    <>
      <SettingsHead title={bank.name} within={{ to: "/banks", search: { kind: "location" }, name: say("title") }} facts={<><span className="badge">{say("location")}</span> <Changed document={bank} /></>}>
        <ExportMenu path="location-banks" id={bank.id} />
        {mayChange ? (
          <>
            <Rename path="location-banks" bank={bank} query={locationBankQuery(bank.id)} />
            <RemoveButton document={bank} remove={() => take(api.DELETE("/v1/location-banks/{document_id}", { params: { path: { document_id: bank.id } } }))} done={() => void navigate({ to: "/banks", search: { kind: "location" } })} />
          </>
        ) : null}
        <InertButton why={why} size="xs" variant="filled" onClick={() => add()} rightSection={<Keys of="bank.add" fallback="A" />}>
          {sayPlace("add")}
        </InertButton>
      </SettingsHead>
      <div className={shared.page}>
        <div className={classes.entries}>
          <Pane>
            <Suspense fallback={<div className={classes.map}><p className="dim t13" style={{ padding: 16 }}>{sayPlace("mapLoading")}</p></div>}>
              <WorldMap places={places} chosen={chosen} choose={setChosen} tried={tried} pressed={add} />
            </Suspense>
          </Pane>
          <Pane>
            <PlaceList bank={bank} chosen={chosen} choose={setChosen} edit={mayChange ? (one) => setAsked({ place: one, at: null }) : null} />
          </Pane>
        </div>
        <div className={shared.beside}>
          <Part title={sayPlace("chosen")} tools={place && mayChange ? <Button size="xs" onClick={() => setAsked({ place, at: null })} rightSection={<Keys of="place.edit" fallback="E" />}>{sayPlace("edit")}</Button> : null}>
            {place ? <PlaceFacts place={place} /> : <p className="dim t13">{sayPlace("chooseOne")}</p>}
          </Part>
          <Pane>
            <WouldHold bank={bank} show={setChosen} tried={setTried} />
          </Pane>
          {mayChange ? (
            <Pane>
              <BankImport path="location-banks" bank={bank} />
            </Pane>
          ) : null}
          <Part title={say("usedBy")}>
            <UsedByRules document={bank} />
          </Part>
          <Pane>
            <Versions
              kind="location-banks"
              id={bank.id}
              revision={bank.revision}
              named={(name) => (name === "locations" || name === "name" || name === "description" ? say(name) : name)}
              dirty={false}
              load={() => take(api.GET("/v1/location-banks/{document_id}/revisions", { params: { path: { document_id: bank.id }, query: { limit: 20 } } }))}
              restore={(revision) => take(api.POST("/v1/location-banks/{document_id}/revisions/{revision}/restore", { params: { path: { document_id: bank.id, revision } } }))}
              restored={() => queries.invalidateQueries({ queryKey: locationBankQuery(bank.id).queryKey })}
            />
          </Pane>
        </div>
      </div>
      {asked ? <PlaceDialog key={asked.place?.id ?? "new"} bank={bank} place={asked.place} at={asked.at} close={() => setAsked(null)} done={setChosen} /> : null}
    </>
  );
}

const sayNow = sayer(words);
const Values = z.object({ name: z.string().check(z.refine((name) => name.trim() !== "", { error: () => sayNow("nameNeeded") })), description: z.string() });
type Values = z.infer<typeof Values>;
const EMPTY: Values = { name: "", description: "" };

function New() {
  const say = useWords(words);
  const navigate = useNavigate();
  const form = useDocumentForm<LocationBank, Values>({
    document: null,
    schema: Values,
    valuesOf: () => EMPTY,
    save: (values) => take(api.POST("/v1/location-banks", { body: { ...values, name: values.name.trim(), locations: [] } })),
    read: (id) => take(api.GET("/v1/location-banks/{document_id}", { params: { path: { document_id: id } } })),
    saved: useSaved(locationBankQuery, (id) => void navigate({ to: "/banks/location/$bankId", params: { bankId: id }, replace: true, ignoreBlocker: true })),
  });
  const { input } = form;
  return (
    <>
      <SettingsHead title={say("newLocation")} within={{ to: "/banks", search: { kind: "location" }, name: say("title") }}>
        <SaveButtons form={form} />
      </SettingsHead>
      <div className={shared.page} data-alone>
        <DocumentFields form={form} valuesOf={() => EMPTY} named={(name) => name}>
          <div className={shared.lines} style={{ maxWidth: 840 }}>
            <TextInput {...input("name")} size="xs" label={say("name")} autoComplete="off" data-1p-ignore />
            <Textarea {...input("description")} size="xs" label={say("description")} autosize minRows={2} />
          </div>
        </DocumentFields>
      </div>
    </>
  );
}
