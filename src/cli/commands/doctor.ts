import { AgentrtError } from "../../core/errors.ts";
import { formatListenAddress, parseListenAddress } from "../../security/listen-rule.ts";
import { HostInfoClient } from "../../wire/host-info/client.ts";
import type { ReportAnswer } from "../../wire/host-info/codec.ts";
import { EXIT } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { padToWidth, wrapText } from "../wrap-text.ts";
import type { Invocation } from "./command.ts";
import { CHECK_NAMES, DOCTOR_WORDS } from "./command-words.ts";
import { asIs, type Check, say, warning } from "./doctor-check.ts";
import { checkHttp2, checkName, checkPort, checkTls } from "./doctor-network.ts";
import {
  checkClientId,
  checkHealth,
  checkMessages,
  checkProtocol,
  skippedAfter,
} from "./doctor-protocol.ts";
import { type Answer, checkClock, checkVersion, usualQuestions } from "./doctor-report.ts";
import { printable } from "./printable.ts";
import { CONNECT_TIMEOUT_MS } from "./with-client.ts";

const DEFAULT_PORT = 50_051;
/** One list entry of each worker and topic is enough to judge by. */
const REPORT_LIMIT = 1_000;

/** Columns of the verdict and of the step's name, in both languages. */
const MARK_WIDTH = 7;
const NAME_WIDTH = 10;

/** `agentrt doctor [HOST]`: 0 when a message goes through the host and back, 1 when a step failed. */
export async function runDoctor(invocation: Invocation): Promise<number> {
  const { operands, options, settings, io } = invocation;
  const text = operands[0] ?? settings.values["host-address"];
  const parsed = parseListenAddress(/:\d+$/.test(text) ? text : `${text}:${DEFAULT_PORT}`);
  const address = formatListenAddress(parsed);
  const timeoutMs = options["connect-timeout"] ?? CONNECT_TIMEOUT_MS;

  const checks: Check[] = [];
  const isJson = options.json === true;
  const add = async (check: Check): Promise<boolean> => {
    checks.push(check);
    if (!isJson) {
      await io.print(checkText(check, io));
    }
    return check.verdict !== "failed";
  };
  // Each step needs the one before it.
  const steps: readonly (readonly [string, () => Promise<Check>])[] = [
    ["name", () => checkName(parsed)],
    ["port", () => checkPort(parsed, timeoutMs)],
    ["http2", () => checkHttp2(parsed, timeoutMs)],
    ["tls", () => Promise.resolve(checkTls(parsed))],
    ["health", () => checkHealth(address, timeoutMs)],
    ["protocol", () => checkProtocol(address, timeoutMs)],
    ["client id", () => checkClientId(address, timeoutMs)],
    ["messages", () => checkMessages(invocation, address, timeoutMs)],
  ];
  if (!isJson) {
    await io.print(`${io.style.strong(address)}\n`);
  }
  let isWell = true;
  for (const [name, step] of steps) {
    isWell = (await add(isWell ? await step() : skippedAfter(name))) && isWell;
  }
  let answer: ReportAnswer | undefined;
  if (isWell) {
    answer = await judgeReport(address, timeoutMs, settings.values["max-message-size"], add);
  }
  const questions = usualQuestions(answer?.report);
  if (isJson) {
    await io.print(`${jsonOf(address, isWell, checks, questions)}\n`);
  } else if (isWell) {
    // While there is no way to the host, its next step is all that matters.
    await io.print(questionsText(questions, io));
  }
  return isWell ? EXIT.done : EXIT.failed;
}

async function judgeReport(
  address: string,
  timeoutMs: number,
  maxMessageBytes: number,
  add: (check: Check) => Promise<boolean>,
): Promise<ReportAnswer | undefined> {
  using client = new HostInfoClient(address, { maxMessageBytes });
  const started = performance.now();
  try {
    const answer = await client.getReport({ limit: REPORT_LIMIT }, timeoutMs);
    await add(checkClock(answer.report, Date.now(), performance.now() - started));
    await add(checkVersion(answer.report));
    return answer;
  } catch (thrown) {
    const { message } = AgentrtError.from(thrown);
    const next = say(
      "Clock and version cannot be compared; agentrt ls and top need agentrt's own host.",
      "无法比较时钟和版本；agentrt ls 和 top 需要 agentrt 自己的 host。",
    );
    await add(warning("report", asIs(message), next));
    return undefined;
  }
}

/** For programs, whatever the language of the person: names and verdicts never change, the texts are English. */
function jsonOf(
  host: string,
  isWell: boolean,
  checks: readonly Check[],
  questions: readonly Answer[],
): string {
  return JSON.stringify({
    host,
    ok: isWell,
    checks: checks.map(({ name, verdict, finding, next }) => ({
      ...{ name, verdict, finding: finding.en },
      ...(next === undefined ? {} : { next: next.en }),
    })),
    questions: questions.map(({ question, findings, advice }) => ({
      question: question.en,
      findings: findings.map(({ en }) => en),
      advice: advice.en,
    })),
  });
}

function checkText(
  { name, verdict, finding, next }: Check,
  { style, language, width }: Io,
): string {
  const mark = padToWidth(DOCTOR_WORDS[verdict][language], MARK_WIDTH);
  const isNoted = verdict === "warning" || verdict === "failed";
  const title = padToWidth(CHECK_NAMES[name]?.[language] ?? name, NAME_WIDTH);
  const head = `${isNoted ? style.strong(mark) : mark} ${title} ${printable(finding[language])}\n`;
  if (next === undefined) {
    return head;
  }
  const indent = " ".repeat(MARK_WIDTH + NAME_WIDTH + 2);
  const word = DOCTOR_WORDS.next[language];
  const lines = wrapText(printable(next[language]), Math.max(20, width - indent.length));
  const [first = "", ...rest] = lines;
  return [
    head,
    `${indent}${style.accent(word)} ${first}\n`,
    ...rest.map((line) => `${indent}${line}\n`),
  ].join("");
}

function questionsText(questions: readonly Answer[], { style, width, language }: Io): string {
  const sections = questions.map(({ question, findings, advice }) => {
    const word = style.accent(DOCTOR_WORDS.seen[language]);
    const seen = findings.map((finding) => `  ${word} ${printable(finding[language])}`);
    const lines = wrapText(advice[language], width - 2).map((line) => `  ${line}`);
    return [style.strong(question[language]), ...seen, ...lines].join("\n");
  });
  return `\n${sections.join("\n")}\n`;
}
