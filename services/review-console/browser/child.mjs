// A child-safety job about somebody with drawn pictures of the demo (shapes), and what was said in a conversation.
import { DEMO, get, item, jobAbout, report, send, user } from "./browser.mjs";

const SHAPES = ["test-card", "leaves", "cat-shape"];

/** A post of them is reported for child safety: the job is about who made it. */
export async function childSafetyJob(page, name, { messages = 3 } = {}) {
  const author = `${name}-author`;
  const host = await mediaHost(page);
  const now = Date.now();
  const at = (minutes) => new Date(now - minutes * 60_000).toISOString();
  const post = (number, images) => item(`${name}-${number}`, "Post", { text: `Shapes, number ${number}.`, author: user(author), created_at: at(60 - number), images });
  const posts = SHAPES.map((shape, number) => post(number, [`${host}/media/picture/${shape}.jpg`]));
  await send("items/async/", { items: [item(author, "Profile", { name: "Shape Sender", handle: author.replaceAll("-", ""), joined_at: at(10_000) }), ...posts] });
  const thread = { id: `${name}-thread`, typeId: DEMO.ids["item-types"]["DM thread"] };
  const said = Array.from({ length: messages }, (_, number) => item(`${name}-message-${number}`, "Direct message", { text: `Said in the chat, number ${number}.`, thread, sender: user(author), author: user(author), sent_at: at(30 - number), created_at: at(30 - number) }));
  await report(posts[0], "Graphic content", { reportedForReason: { csam: true, reason: "Shapes of a test." }, additionalItems: [...posts.slice(1), ...said] });
  return await jobAbout(page, author);
}

async function mediaHost(page) {
  const { items } = await get(page, "/v1/jobs?itemId=test-card&limit=1");
  const { item: post } = await get(page, `/v1/jobs/${items[0].id}/context`);
  return /https?:\/\/[^/"]+(?=\/media\/)/.exec(JSON.stringify(post))[0];
}
