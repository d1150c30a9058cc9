import { formatSpread, formatValue, markdownTable } from "./format.ts";
import { judge, type Verdict } from "./judge.ts";
import { MEANING, METHOD } from "./method.ts";
import type { BenchResult, SystemResult, WorkResult } from "./results.ts";
import { medianOf, spreadOf } from "./statistics.ts";
import { type Limit, TARGETS } from "./targets.ts";

/** The whole report as Markdown. Pure: the same result gives the same text. */
export function renderReport(result: BenchResult): string {
  return [
    "# Benchmarks",
    introduction(result),
    targetsSection(judge(result, TARGETS)),
    "## Measured",
    "Each cell is the median of the runs, and in brackets the smallest and the largest.",
    ...result.works.map(workSection),
    cpuSection(result.works),
    "## Systems",
    result.descriptions.map(({ name, text }) => `- **${name}**: ${text}.`).join("\n"),
    METHOD,
    MEANING,
  ]
    .filter((section) => section !== "")
    .join("\n\n")
    .concat("\n");
}

function introduction(result: BenchResult): string {
  const { date, command, machine, agentrtVersion, runs, scale, durationSeconds } = result;
  const seconds = formatValue(durationSeconds, "count");
  const caution =
    scale === 1
      ? []
      : [`Counts were multiplied by ${scale}: a look at whether it works, not a measurement.`];
  return [
    `Made on ${date} by \`${command}\` with agentrt ${agentrtVersion}, ${runs} interleaved runs, in ${seconds} s. Do not edit: run it again.`,
    `Machine: ${machine.cpuModel}, ${machine.cores} cores, ${machine.memoryGiB} GiB of memory, ${machine.system}, Bun ${machine.bunVersion}; stored messages on ${machine.fileSystem}. All processes share it, over loopback.`,
    ...caution,
  ].join("\n\n");
}

function targetsSection(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) {
    return "";
  }
  const rows = verdicts.map(({ target, measured, against, value, verdict }) => [
    target.text,
    cell(measured, target.measured.format),
    target.against?.system ?? "",
    target.against === undefined ? "" : cell(against, target.against.format),
    target.against === undefined || value === undefined ? "" : value.toFixed(2),
    limitText(target.limit, target.against === undefined ? target.measured.format : undefined),
    verdict,
  ]);
  return [
    "## Targets",
    markdownTable(["", "agentrt", "against", "its", "ratio", "target", ""], rows),
    "Medians. A ratio is agentrt's divided by the other's. One way is judged for both ways to write the publisher's loop.",
  ].join("\n\n");
}

function cell(value: number | undefined, format: Parameters<typeof formatValue>[1]): string {
  return value === undefined ? "" : formatValue(value, format);
}

/** With a format it is a number of the metric's own unit, otherwise a ratio. */
function limitText(limit: Limit, format: Parameters<typeof formatValue>[1] | undefined): string {
  const [word, number] =
    "atLeast" in limit ? ["at least", limit.atLeast] : ["at most", limit.atMost];
  return format === undefined ? `${word} ${number}x` : `${word} ${formatValue(number, format)}`;
}

function workSection({ title, metrics, systems }: WorkResult): string {
  const measured = systems.filter(({ measurements }) => measurements.length > 0);
  const rows = measured.map(({ system, measurements, failures }) => [
    system,
    ...metrics.map(({ id, format }) => {
      const values = measurements.map(({ values: all }) => all[id] ?? Number.NaN);
      return formatSpread(spreadOf(values), format);
    }),
    formatValue(medianOf(measurements.map(({ messages }) => messages)), "count"),
    String(failures.length),
  ]);
  const head = ["", ...metrics.map((metric) => metric.title), "of", "failed runs"];
  return [
    `### ${title}`,
    ...(rows.length === 0 ? [] : [markdownTable(head, rows)]),
    ...[systems.flatMap(notesOf).join("\n")].filter((notes) => notes !== ""),
  ].join("\n\n");
}

function notesOf({ system, failures, unavailable }: SystemResult): readonly string[] {
  const failed = failures.map((failure) => `- ${system}: a run failed, ${failure}.`);
  return unavailable === "" ? failed : [...failed, `- ${system}: not available, ${unavailable}.`];
}

function cpuSection(works: readonly WorkResult[]): string {
  const rows = works.flatMap(({ id, systems }) =>
    systems
      .filter(({ measurements }) => measurements.some(({ messages }) => messages > 0))
      .map(({ system, measurements }) => {
        const roles = Object.keys(measurements[0]?.cpu ?? {});
        const perRole = roles.map((role) => {
          const seconds = medianOf(measurements.map(({ cpu }) => cpu[role] ?? 0));
          return `${role} ${seconds.toFixed(2)}`;
        });
        const micros = medianOf(
          measurements.map(
            ({ cpu, messages }) =>
              (Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0) / messages) * 1e6,
          ),
        );
        return [id, system, perRole.join(", "), formatValue(micros, "decimal")];
      }),
  );
  return rows.length === 0
    ? ""
    : [
        "## Processor time",
        "Seconds of each process over the measured stretch, user and system; a core gives one second a second. Processes of one kind are summed up.",
        markdownTable(["work", "system", "seconds", "all, µs each"], rows),
      ].join("\n\n");
}
