// The main job, by a client whose types are generated from /openapi.json: what does not fit the contract
// does not compile. Usage: node main_job.js http://127.0.0.1:8080 picture.png
import { readFile } from "node:fs/promises";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.js";

type Generation = components["schemas"]["Generation"];

const [url, file] = process.argv.slice(2);
if (url === undefined || file === undefined) {
  throw new Error("usage: main_job.js URL PICTURE");
}
const api = createClient<paths>({ baseUrl: url });

/** Signs every request with this credential. */
function signedWith(credential: string): Middleware {
  return {
    onRequest({ request }) {
      request.headers.set("authorization", `Bearer ${credential}`);
      return request;
    },
  };
}

/** What an answer holds; what it was refused for is thrown. */
function whole<T>(answer: { data?: T; error?: components["schemas"]["Error"] }): T {
  if (answer.data === undefined) {
    throw new Error(`refused: ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

function there<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new Error(`no ${what}`);
  }
  return value;
}

async function ended(id: string): Promise<Generation> {
  for (;;) {
    const generation = whole(await api.GET("/v1/generations/{id}", { params: { path: { id } } }));
    if (generation.status === "COMPLETED") {
      return generation;
    }
    if (generation.status === "FAILED" || generation.status === "CANCELLED") {
      throw new Error(`${generation.status}: ${generation.error?.reason}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// 1. sign up
const email = `ts-${Date.now()}@example.com`;
const password = "correct horse battery";
const signedUp = whole(await api.POST("/v1/auth/register", { body: { email, password } }));
const session = signedWith(there(signedUp.tokens?.accessToken, "token"));
api.use(session);

// 2. make an API key, and go on with it
const made = whole(
  await api.POST("/v1/api-keys", {
    body: {
      displayName: "typescript",
      scopes: ["files:read", "files:write", "generations:read", "generations:write", "usage:read"],
    },
  }),
);
api.eject(session);
api.use(signedWith(there(made.key, "key")));

// 3. upload a picture
const bytes = await readFile(file);
const uploaded = whole(
  await api.POST("/v1/files", {
    params: { query: { name: "input.png" } },
    headers: { "content-type": "image/png" },
    body: bytes as unknown as string,
    bodySerializer: (body) => body,
  }),
);

// 4. order a picture from it, once however often it is sent
const order = () =>
  api.POST("/v1/generations", {
    params: { header: { "Idempotency-Key": "typescript-1" } },
    body: {
      kind: "IMAGE",
      image: {
        prompt: "a fox at night",
        width: 64,
        height: 64,
        inputFileIds: [there(uploaded.id, "file id")],
      },
    },
  });
const ordered = whole(await order());
const again = whole(await order());
if (ordered.id !== again.id) {
  throw new Error("ordered twice");
}

// 5. wait, and fetch it
const generation = await ended(there(ordered.id, "generation id"));
const id = there(generation.outputs?.[0]?.fileId, "output");
const content = await api.GET("/v1/files/{id}/content", {
  params: { path: { id } },
  parseAs: "arrayBuffer",
});
const picture = Buffer.from(there(content.data as ArrayBuffer | undefined, "content"));
if (picture.subarray(1, 4).toString() !== "PNG") {
  throw new Error("no PNG");
}

// 6. errors have a reason to switch on
const missing = await api.GET("/v1/generations/{id}", { params: { path: { id: "none" } } });
if (missing.error?.error.status !== "INVALID_ARGUMENT") {
  throw new Error(`not refused: ${JSON.stringify(missing.error)}`);
}
const usage = whole(await api.GET("/v1/usage"));
console.log(`made ${picture.length} bytes, ${usage.limits?.length ?? 0} limits`);
