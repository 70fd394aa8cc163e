// A request's body, up to a limit: nobody can make the receiver hold more.

/** Bytes. Coop sends less: an item has 256 KB, and what is told about it is short. */
export const MAX_BODY = 4_000_000;

/** The body is longer than the limit: to be answered with 413, and the connection closed. */
export class TooLarge extends Error {}

/**
 * The body of a request, as `IncomingMessage` gives it. Throws TooLarge as soon as it is so; the
 * rest is not read then.
 */
export async function readBody(
  request: AsyncIterable<Uint8Array>,
  { length, limit = MAX_BODY }: { length?: string | undefined; limit?: number } = {},
): Promise<Buffer> {
  if (length !== undefined && Number(length) > limit) {
    throw new TooLarge(`the body has more than ${limit} bytes`);
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > limit) throw new TooLarge(`the body has more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
