/** What the cursors of a host have done since it started. */
export interface DurableCounts {
  appended: number;
  refused: number;
  delivered: number;
  redelivered: number;
  acknowledged: number;
  failed: number;
  dead: number;
  schedulesFired: number;
  schedulesSkipped: number;
}

export function newDurableCounts(): DurableCounts {
  return {
    appended: 0,
    refused: 0,
    delivered: 0,
    redelivered: 0,
    acknowledged: 0,
    failed: 0,
    dead: 0,
    schedulesFired: 0,
    schedulesSkipped: 0,
  };
}
