// Identity providers for the tests of signing in: pages on which anybody is whoever they type.
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const CLIENT = "coop";
const SECRET = "not a secret beyond these tests";

const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

export async function startProvider() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });
  const key = createPrivateKey(privateKey);
  const issued = new Map();
  let issuer = "";
  const token = (claims) => {
    const said = `${encoded({ alg: "RS256", kid: "one", typ: "JWT" })}.${encoded(claims)}`;
    return `${said}.${createSign("RSA-SHA256").update(said).sign(key).toString("base64url")}`;
  };
  const pages = {
    "/.well-known/openid-configuration": () => ({ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys`, token_endpoint_auth_methods_supported: ["client_secret_post"], id_token_signing_alg_values_supported: ["RS256"], response_types_supported: ["code"], subject_types_supported: ["public"] }),
    "/keys": () => ({ keys: [{ ...createPublicKey(key).export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }] }),
    "/token": (form) => {
      const found = issued.get(form.get("code"));
      issued.delete(form.get("code"));
      const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
      if (!found || found.code_challenge !== challenge || form.get("client_secret") !== SECRET || form.get("redirect_uri") !== found.redirect_uri) return { error: "invalid_grant" };
      const now = Math.floor(Date.now() / 1000);
      return { access_token: "access", token_type: "Bearer", id_token: token({ iss: issuer, sub: found.email, aud: CLIENT, iat: now, exp: now + 300, nonce: found.nonce, email: found.email, email_verified: true }) };
    },
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, issuer);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (url.pathname === "/authorize" && request.method === "GET") {
      const kept = [...url.searchParams].map(([name, value]) => `<input type="hidden" name="${name}" value="${value.replaceAll('"', "&quot;")}">`).join("");
      response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><title>Provider</title><h1>Provider</h1><form method="post">${kept}<label>Address <input name="email"></label><button>Continue</button></form>`);
      return;
    }
    if (url.pathname === "/authorize") {
      const code = randomBytes(16).toString("hex");
      issued.set(code, Object.fromEntries(form));
      response.writeHead(303, { location: `${form.get("redirect_uri")}?${new URLSearchParams({ code, state: form.get("state") })}` }).end();
      return;
    }
    const answer = pages[url.pathname]?.(form);
    response.writeHead(answer === undefined ? 404 : answer.error ? 400 : 200, { "content-type": "application/json" }).end(JSON.stringify(answer ?? {}));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  issuer = `http://127.0.0.1:${server.address().port}`;
  return { document: { scheme: "OIDC", name: "Test provider", issuer, clientId: CLIENT, clientSecret: SECRET }, stop: () => server.close() };
}

/** pysaml2's provider, on loopback: it is told by its page where answers go, as Okta is. */
export async function startSamlProvider() {
  const program = fileURLToPath(new URL("../../review-api/tests/single_sign_on/saml_provider.py", import.meta.url));
  // It ends with its standard input, and so with this process.
  const running = spawn(process.env.COOP_PYTHON, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const origin = await new Promise((ready, failed) => {
    running.stdout.once("data", (line) => ready(line.toString().trim()));
    running.once("error", failed);
    running.once("exit", (code) => failed(new Error(`the provider ended: ${code}`)));
  });
  return { origin, metadata: async () => (await fetch(`${origin}/metadata`)).text(), stop: () => running.stdin.end() };
}
