/** The first word that makes this program one of the processes of `agentrt bench`; no command for people. */
export const BENCH_PART = "bench-part";
