/**
 * The compiled program starts reluctant to compile code that runs but once (`scripts/build.sh`); what
 * comes now runs often. Nothing changes when it runs from the sources.
 */
export function atFullSpeed(): void {
  Bun.unsafe.setJITPolicy(1);
}
