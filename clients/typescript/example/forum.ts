// A small platform on Coop: people post, Coop says what has to go.
//
//     node dist/example/forum.js CONFIG
//
// CONFIG is a JSON file: {"port", "coopUrl", "apiKey", "webhookSecrets": […], "publicKeys": […],
// "postType", "userType"}. Posts are in memory.
//
//     POST /posts {"text"}                the post, sent to Coop
//     GET  /posts/ID                      how it is, and what Coop said of it
//     POST /posts/ID/reports {"reason"}   a reader reports it
//     POST /posts/ID/appeals {"reason"}   its author appeals against what was done
//     POST /coop                          everything that Coop says and asks

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Coop, CoopError, Receiver, TooLarge, Verifier, readBody, type Item } from "../src/index.js";

interface Config {
  readonly port: number;
  readonly coopUrl: string;
  readonly apiKey: string;
  readonly webhookSecrets: readonly string[];
  readonly publicKeys: readonly string[];
  readonly postType: string;
  readonly userType: string;
}

interface Post {
  readonly id: string;
  readonly text: string;
  readonly createdAt: string;
  readonly done: { actionId: string; webhookId: string | null }[];
  appeal: "ACCEPT" | "REJECT" | null;
  asked: number;
}

const config = JSON.parse(readFileSync(String(process.argv[2]), "utf8")) as Config;
const author = { id: "forum-author", typeId: config.userType };
const reader = { id: "forum-reader", typeId: config.userType };
const posts = new Map<string, Post>();

const coop = new Coop(config.coopUrl, config.apiKey);
const receiver = new Receiver(new Verifier(config), {
  onAction: ({ item, action }, { id }) => {
    posts.get(item.id)?.done.push({ actionId: action.id, webhookId: id });
  },
  onAppeal: ({ item, appealDecision }) => {
    const post = posts.get(item.id);
    if (post) post.appeal = appealDecision;
  },
  items: (asked) =>
    asked.flatMap(({ id }) => {
      const post = posts.get(id);
      if (!post) return [];
      post.asked += 1;
      return [itemOf(post)];
    }),
  additionalInfo: ({ users, media }) => ({
    users: users.map((user) => ({ ...user, screenName: user.id })),
    media: media.map((medium) => ({ ...medium, publiclyAvailable: true })),
  }),
  onFault: (fault) => {
    console.error(fault);
  },
});

function itemOf(post: Post): Item {
  const data = { text: post.text, author, created_at: post.createdAt };
  return { id: post.id, typeId: config.postType, data };
}

async function post(text: string): Promise<Post> {
  const createdAt = new Date().toISOString();
  const made: Post = { id: `forum-${randomUUID()}`, text, createdAt, done: [], appeal: null, asked: 0 };
  posts.set(made.id, made);
  await coop.sendItems([itemOf(made)]);
  return made;
}

async function report(made: Post, reason: string): Promise<string> {
  return coop.report({
    reporter: { kind: "user", ...reader },
    reportedAt: new Date().toISOString(),
    reportedForReason: { reason },
    reportedItem: itemOf(made),
  });
}

async function appeal(made: Post, appealReason: string): Promise<string> {
  const appealId = `appeal-${randomUUID()}`;
  await coop.appeal({
    appealId,
    appealedBy: author,
    appealedAt: new Date().toISOString(),
    actionedItem: itemOf(made),
    actionsTaken: made.done.map(({ actionId }) => actionId),
    appealReason,
  });
  return appealId;
}

async function answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
  const [, , id, deed] = (request.url ?? "").split("/");
  const made = posts.get(id ?? "");
  if (request.method === "GET") return made ? [200, made] : [404, null];
  const told = JSON.parse((await body(request)).toString()) as { text: string; reason: string };
  if (request.url === "/posts") return [201, await post(told.text)];
  if (made && deed === "reports") return [201, { id: await report(made, told.reason) }];
  if (made && deed === "appeals") return [201, { id: await appeal(made, told.reason) }];
  return [404, null];
}

function body(request: IncomingMessage): Promise<Buffer> {
  return readBody(request, { length: request.headers["content-length"] });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/coop") {
    const { status, headers, body: said } = await receiver.receive(request.headersDistinct, await body(request));
    response.writeHead(status, headers).end(said);
    return;
  }
  const [status, said] = await answer(request);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
}

createServer((request, response) => {
  serve(request, response).catch((fault: unknown) => {
    const status = fault instanceof TooLarge ? 413 : fault instanceof CoopError ? 502 : 500;
    response.writeHead(status, { connection: "close" }).end();
  });
}).listen(config.port, "127.0.0.1");
