import { afterEach, describe, expect, test } from "bun:test";
import { AgentrtError } from "agentrt";
import { assetNames } from "../../agents/ui/assets.ts";
import { closeApps, errorOf, makeApp, post } from "./ui-kit.ts";

afterEach(closeApps);

describe("ui page", () => {
  test.each([
    [undefined, "en", "Smart home"],
    ["de", "en", "Smart home"],
    ["zh-TW,zh;q=0.9,en;q=0.8", "zh-CN", "智能家居"],
    ["en;q=0.5, zh-CN", "zh-CN", "智能家居"],
    ["fr, en-GB;q=0.8, zh;q=0.7", "en", "Smart home"],
    ["zh;q=0, en;q=0.1", "en", "Smart home"],
    ["zh;q=0", "en", "Smart home"],
  ])("language - Accept-Language %p gives %p", async (accepted, lang, title) => {
    const { app } = makeApp();
    const headers: Record<string, string> =
      accepted === undefined ? {} : { "accept-language": accepted };
    const response = await app.request("/", { headers });
    const page = await response.text();
    expect(page).toContain(`<html lang="${lang}">`);
    expect(page).toContain(`<title>${title}</title>`);
    expect(response.headers.get("vary")).toBe("accept-language");
  });

  test("language - the address wins over the browser", async () => {
    const { app } = makeApp();
    const response = await app.request("/?lang=zh-CN", { headers: { "accept-language": "en" } });
    expect(await response.text()).toContain('<html lang="zh-CN">');
    const nonsense = await app.request('/?lang="><script>', {});
    expect(await nonsense.text()).toContain('<html lang="en">');
  });

  test("policy - no inline script or style, no other origin, strict headers", async () => {
    const { app } = makeApp();
    const response = await app.request("/");
    const page = await response.text();
    expect(response.headers.get("content-security-policy")).toStartWith(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(page).not.toMatch(/<style|style=|<script(?![^>]*src="\/assets\/)|\son\w+=/i);
    expect(page).not.toMatch(/https?:\/\//);
  });

  test("assets - every one that the page and the scripts name is there, with a type and a tag", async () => {
    const { app } = makeApp();
    const page = await (await app.request("/")).text();
    const named = new Set(
      [...page.matchAll(/"\/assets\/([^"]+)"/g)].map((match) => match[1] ?? ""),
    );
    for (const name of assetNames()) {
      const response = await app.request(`/assets/${name}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toMatch(
        /^(text\/javascript; charset=utf-8|text\/css; charset=utf-8|image\/svg\+xml)$/,
      );
      const text = await response.text();
      expect(text.length).toBeGreaterThan(100);
      for (const [, imported = ""] of text.matchAll(/from "\.\/([^"]+)"/g)) {
        named.add(imported);
      }
      const etag = response.headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[\w-]{22}"$/);
      const again = await app.request(`/assets/${name}`, { headers: { "if-none-match": etag } });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe("");
    }
    expect([...named].sort()).toEqual([...assetNames()].sort());
    expect((await app.request("/assets/constructor")).status).toBe(404);
  });
});

describe("ui api", () => {
  test("state - is the whole house", async () => {
    const { app, house } = makeApp();
    const response = await app.request("/api/state");
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(house.snapshot())));
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("commands - go out, and are answered before they are confirmed", async () => {
    const { app, sent } = makeApp();
    const command = { room: "kitchen", device: "humidifier", state: "on" };
    const response = await post(app, "/api/commands", JSON.stringify(command));
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ status: "sent" });
    expect((await post(app, "/api/security-test", '{"room":"kitchen"}')).status).toBe(202);
    expect(sent).toEqual(["kitchen humidifier on", "kitchen test"]);
  });

  test.each([
    ["/api/commands", "{", 400, "INVALID_REQUEST", "The body is not JSON."],
    ["/api/commands", "[]", 400, "INVALID_REQUEST", /^room: /],
    [
      "/api/commands",
      '{"room":"kitchen","device":"toaster","state":"on"}',
      400,
      "INVALID_REQUEST",
      "device: must be one of air_conditioner, humidifier",
    ],
    [
      "/api/commands",
      '{"room":"kitchen","device":"humidifier","state":true}',
      400,
      "INVALID_REQUEST",
      "state: must be on or off",
    ],
    [
      "/api/commands",
      '{"room":"kitchen","device":"humidifier","state":"on","x":1}',
      400,
      "INVALID_REQUEST",
      /^x: /,
    ],
    [
      "/api/commands",
      '{"room":"attic","device":"humidifier","state":"on"}',
      404,
      "NOT_FOUND",
      'There is no room "attic".',
    ],
    [
      "/api/security-test",
      '{"room":7}',
      400,
      "INVALID_REQUEST",
      "room: must be the name of a room",
    ],
    [
      "/api/security-test",
      `"${"x".repeat(4_095)}"`,
      413,
      "TOO_LARGE",
      "The body is over 4096 bytes.",
    ],
    ["/api/nothing", "{}", 404, "NOT_FOUND", "There is nothing here. The page is at /."],
  ])("refused - POST %s %.40s", async (path, body, status, code, message) => {
    const { app, sent } = makeApp();
    const error = await errorOf(await post(app, path, body));
    expect(error).toEqual({
      status,
      code,
      message: typeof message === "string" ? message : expect.stringMatching(message),
    });
    expect(sent).toEqual([]);
  });

  test("refused - another site's page, another host's name, a form's content type", async () => {
    const { app, sent } = makeApp();
    const body = '{"room":"kitchen"}';
    const foreign = await post(app, "/api/security-test", body, { origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    const rebound = await post(app, "/api/security-test", body, { host: "evil.example" });
    expect(rebound.status).toBe(421);
    const form = await post(app, "/api/security-test", body, { "content-type": "text/plain" });
    expect(form.status).toBe(415);
    expect(sent).toEqual([]);
  });

  test("host away - a command that cannot be sent is answered 503", async () => {
    const failure = new AgentrtError("NOT_CONNECTED", "secret detail");
    const { app } = makeApp({ failure });
    expect(await errorOf(await post(app, "/api/security-test", '{"room":"kitchen"}'))).toEqual({
      status: 503,
      code: "NOT_READY",
      message: "The command could not be sent: the host is away. Try again.",
    });
  });
});
