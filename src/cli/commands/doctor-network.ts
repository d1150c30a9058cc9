import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { messageOf } from "../../core/errors.ts";
import { isLoopbackHost, type ListenAddress } from "../../security/listen-rule.ts";
import { asIs, type Check, failed, ok, say, warning } from "./doctor-check.ts";

/** HTTP/2's connection preface and an empty SETTINGS frame. Source: RFC 9113, section 3.4. */
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_FRAME = 4;

export async function checkName({ host }: ListenAddress): Promise<Check> {
  if (isIP(host) !== 0) {
    return ok("name", say(`${host} is an address, no name to look up`, `${host} 是地址，无需解析`));
  }
  const started = performance.now();
  try {
    const found = await lookup(host, { all: true });
    const addresses = found.map(({ address }) => address).join(", ");
    return ok("name", asIs(`${host} = ${addresses} (${since(started)} ms)`));
  } catch (error) {
    return failed(
      "name",
      say(`${host} is not known: ${messageOf(error)}`, `无法解析 ${host}：${messageOf(error)}`),
      say(
        "Check the spelling and the DNS of this machine, or give the host's IP address.",
        "检查拼写和本机的 DNS，或直接给出 host 的 IP 地址。",
      ),
    );
  }
}

export async function checkPort(address: ListenAddress, timeoutMs: number): Promise<Check> {
  const { port } = address;
  const started = performance.now();
  const { code } = await talk(address, undefined, timeoutMs);
  switch (code) {
    case "open":
      return ok(
        "port",
        say(
          `port ${port} is open (${since(started)} ms)`,
          `端口 ${port} 已打开（${since(started)} ms）`,
        ),
      );
    case "ECONNREFUSED":
      return failed(
        "port",
        say(`port ${port} is closed: nothing listens there`, `端口 ${port} 已关闭：没有程序在监听`),
        say(
          "Start the host (agentrt --role host), or check the port. A host listens on 127.0.0.1 only, unless --listen 0.0.0.0:50051 --insecure lets other machines in.",
          "启动 host（agentrt --role host），或检查端口。host 默认只监听 127.0.0.1；--listen 0.0.0.0:50051 --insecure 才允许其他机器连接。",
        ),
      );
    case "timeout":
      return failed(
        "port",
        say(
          `port ${port} did not answer within ${timeoutMs} ms`,
          `端口 ${port} 在 ${timeoutMs} ms 内没有应答`,
        ),
        say(
          "A firewall drops the packets, or the machine is off. Allow TCP to this port, also in a cloud's own firewall.",
          "防火墙丢弃了数据包，或机器未开机。请放行到此端口的 TCP，云服务自带的防火墙也要放行。",
        ),
      );
    default:
      return failed(
        "port",
        say(`port ${port} cannot be reached: ${code}`, `无法到达端口 ${port}：${code}`),
        say("Check the network and its routes.", "检查网络和路由。"),
      );
  }
}

/** What the transport is not, once it is known to answer in plain HTTP/2. */
export function checkTls({ host }: ListenAddress): Check {
  return isLoopbackHost(host)
    ? ok("tls", say("no TLS, as expected: this machine only", "无 TLS，符合预期：仅限本机"))
    : warning(
        "tls",
        say(
          "no TLS: whoever is on the way can read and change every message",
          "无 TLS：途中任何人都能读取和篡改每条消息",
        ),
        say(
          "Keep it inside a network that you trust, or go through a tunnel such as WireGuard or ssh -L.",
          "只在可信的网络中使用，或经由 WireGuard、ssh -L 等隧道。",
        ),
      );
}

export async function checkHttp2(address: ListenAddress, timeoutMs: number): Promise<Check> {
  const { bytes } = await talk(address, PREFACE, timeoutMs);
  if (bytes[3] === SETTINGS_FRAME && bytes.length >= 9) {
    return ok("http2", say("answers in HTTP/2", "以 HTTP/2 应答"));
  }
  if (/^(?:HTTP\/|<)/.test(bytes.subarray(0, 5).toString("latin1"))) {
    return failed(
      "http2",
      say("answers in HTTP/1: this is a web server", "以 HTTP/1 应答：这是网页服务器"),
      say(
        "Give the port of the host's --listen (50051), not of its status page, and let no proxy in between turn HTTP/2 into HTTP/1.",
        "请给出 host 的 --listen 端口（50051），而不是状态页面的端口；途中的代理不得把 HTTP/2 变成 HTTP/1。",
      ),
    );
  }
  // Only now, because a host counts a handshake that it does not understand as a broken connection.
  if (await speaksTls(address, timeoutMs)) {
    return failed(
      "http2",
      say(
        "the port speaks TLS, which agentrt does not speak yet",
        "端口使用 TLS，agentrt 尚不支持",
      ),
      say(
        "Connect to the port behind the proxy, or let the proxy pass plain HTTP/2 (h2c).",
        "连接代理后面的端口，或让代理转发明文 HTTP/2（h2c）。",
      ),
    );
  }
  return failed(
    "http2",
    bytes.length > 0
      ? say("answers with something that is not HTTP/2", "应答不是 HTTP/2")
      : say("says nothing to HTTP/2", "对 HTTP/2 没有应答"),
    say(
      "Another program listens on this port, or the host is at its --max-connections. Check what it is: ss -ltnp.",
      "此端口上是别的程序，或 host 已达到 --max-connections。用 ss -ltnp 查看。",
    ),
  );
}

async function speaksTls({ host, port }: ListenAddress, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"] });
  const timer = setTimeout(() => resolve(false), timeoutMs);
  socket.once("secureConnect", () => resolve(true));
  // What does not speak TLS answers a handshake with something else, or not at all.
  socket.on("error", () => resolve(false));
  socket.once("close", () => resolve(false));
  const isTls = await promise;
  clearTimeout(timer);
  socket.destroy();
  return isTls;
}

/** Connects; writes, and reads the first bytes, when there is something to write. */
async function talk(
  address: ListenAddress,
  written: Buffer | undefined,
  timeoutMs: number,
): Promise<{ readonly code: string; readonly bytes: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: address.host, port: address.port });
  const timer = setTimeout(() => resolve(socket.connecting ? "timeout" : "open"), timeoutMs);
  let bytes = Buffer.alloc(0);
  socket.once("connect", () => {
    if (written === undefined) {
      resolve("open");
    } else {
      socket.write(written);
    }
  });
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 9) {
      resolve("open");
    }
  });
  socket.on("error", (error) => resolve("code" in error ? String(error.code) : messageOf(error)));
  socket.once("close", () => resolve("open"));
  const code = await promise;
  clearTimeout(timer);
  // An orderly end first, or the host counts a broken connection.
  socket.end(() => socket.destroy());
  return { code, bytes };
}

function since(started: number): string {
  return (performance.now() - started).toFixed(1);
}
