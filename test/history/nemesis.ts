/** What goes wrong in a run, and when, by a seed. */
import { oneOf, type Random, wholeFrom } from "../kit/random.ts";
import type { Direction } from "./faulty-link.ts";
import { clock } from "./history-file.ts";
import type { DiskTrouble } from "./host-disk.ts";
import { PUBLISHERS, SUBSCRIBER_PROCESSES, WORKERS, type World } from "./world.ts";

interface FaultKind {
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** Does it, and returns when it is over. */
  readonly act: (world: World, random: Random) => Promise<void>;
}

const MAX_PAUSE_MS = 2_500;
const MAX_HOLD_MS = 3_000;
const MAX_DELAY_MS = 150;
const MAX_CALM_MS = 2_500;

/** Notes a fault, whether or not it fails. */
async function during(
  world: World,
  name: string,
  mayLose: boolean,
  act: () => Promise<void>,
): Promise<void> {
  const from = clock();
  try {
    await act();
  } finally {
    world.file.note({ kind: "fault", name, mayLose, untilAt: clock(), at: from });
  }
}

async function killAndStart(world: World, ...names: Parameters<World["kill"]>[0][]) {
  await during(world, `kill ${names.join(" ")}`, true, async () => {
    await Promise.all(names.map((name) => world.kill(name)));
    await Promise.all(names.map((name) => world.start(name)));
  });
}

async function stopAndStart(world: World, name: Parameters<World["stop"]>[0]): Promise<void> {
  await during(world, `stop ${name}`, true, async () => {
    await world.stop(name);
    await world.start(name);
  });
}

async function pause(world: World, random: Random, name: Parameters<World["signal"]>[0]) {
  const life = world.lifeOf(name);
  // A host that hears nothing of a worker for long ends its connection.
  await during(world, `pause ${life}`, false, async () => {
    world.signal(name, "SIGSTOP");
    await Bun.sleep(random() * MAX_PAUSE_MS);
    world.signal(name, "SIGCONT");
  });
}

async function trouble(world: World, random: Random, what: DiskTrouble): Promise<void> {
  await during(world, `disk ${what}`, false, async () => {
    world.disk.get(what);
    await Bun.sleep(random() * MAX_HOLD_MS);
    world.disk.recover();
  });
}

/** The host ends before the disk is well again. */
async function troubleToTheEnd(
  world: World,
  random: Random,
  what: DiskTrouble,
  onEnd: () => void = () => undefined,
): Promise<void> {
  await during(world, `kill host, disk ${what}`, true, async () => {
    world.disk.get(what);
    await Bun.sleep(random() * MAX_DELAY_MS);
    await world.kill("host");
    onEnd();
    world.disk.recover();
    await world.start("host");
  });
}

/** Publishers hear of nothing that it refuses before it ends. */
async function troubleUnheard(world: World, random: Random): Promise<void> {
  const links = PUBLISHERS.map((name) => world.link(name));
  for (const link of links) {
    link.hold("toWorker");
  }
  await troubleToTheEnd(world, random, "failing", () => {
    for (const link of links) {
      link.cut();
      link.release();
    }
  });
}

async function damage(world: World, what: string, act: () => void): Promise<void> {
  await during(world, `kill host, damage: ${what}`, true, async () => {
    await world.kill("host");
    act();
    await world.start("host");
  });
}

export const FAULTS = {
  "kill-host": { weight: 3, act: (world) => killAndStart(world, "host") },
  "kill-subscriber": {
    weight: 3,
    act: (world, random) => killAndStart(world, oneOf(random, SUBSCRIBER_PROCESSES)),
  },
  "kill-publisher": {
    weight: 1,
    act: (world, random) => killAndStart(world, oneOf(random, PUBLISHERS)),
  },
  "kill-both": {
    weight: 1,
    act: (world, random) => killAndStart(world, "host", oneOf(random, SUBSCRIBER_PROCESSES)),
  },
  "stop-host": { weight: 1, act: (world) => stopAndStart(world, "host") },
  "stop-subscriber": {
    weight: 1,
    act: (world, random) => stopAndStart(world, oneOf(random, SUBSCRIBER_PROCESSES)),
  },
  pause: {
    weight: 2,
    act: (world, random) => pause(world, random, oneOf(random, ["host", ...WORKERS])),
  },
  cut: {
    weight: 3,
    act: async (world, random) => {
      const name = oneOf(random, WORKERS);
      await during(world, `cut ${name}`, true, async () => {
        for (let left = wholeFrom(random, 1, 3); left > 0; left -= 1) {
          world.link(name).cut();
          await Bun.sleep(random() * MAX_DELAY_MS);
        }
      });
    },
  },
  "hold-and-release": {
    weight: 2,
    act: async (world, random) => {
      const name = oneOf(random, WORKERS);
      await during(world, `hold ${name}`, false, async () => {
        world.link(name).hold(oneOf<Direction>(random, ["toHost", "toWorker"]));
        await Bun.sleep(random() * MAX_HOLD_MS);
        world.link(name).release();
      });
    },
  },
  "hold-and-cut": {
    weight: 2,
    act: async (world, random) => {
      const name = oneOf(random, WORKERS);
      await during(world, `hold and cut ${name}`, true, async () => {
        world.link(name).hold(oneOf<Direction>(random, ["toHost", "toWorker"]));
        await Bun.sleep(random() * MAX_HOLD_MS);
        world.link(name).cut();
        world.link(name).release();
      });
    },
  },
  "power-loss": {
    weight: 3,
    act: async (world, random) => {
      await during(world, "kill host and power", true, async () => {
        await world.kill("host", false);
        world.disk.losePower(random);
        await world.start("host");
      });
    },
  },
  "disk-full": { weight: 1, act: (world, random) => trouble(world, random, "full") },
  "disk-fails": { weight: 1, act: (world, random) => trouble(world, random, "failing") },
  "disk-full-kill": { weight: 1, act: (world, random) => troubleToTheEnd(world, random, "full") },
  "disk-fails-kill": {
    weight: 1,
    act: (world, random) => troubleToTheEnd(world, random, "failing"),
  },
  "disk-fails-unheard": { weight: 1, act: troubleUnheard },
  "disk-slow": { weight: 1, act: (world, random) => trouble(world, random, "slow") },
  "flip-bits": {
    weight: 2,
    act: (world, random) => damage(world, "flipped bits", () => world.disk.flipBits(random)),
  },
  delay: {
    weight: 1,
    act: async (world, random) => {
      const name = oneOf(random, WORKERS);
      await during(world, `delay ${name}`, false, async () => {
        world.link(name).delay(random() * MAX_DELAY_MS);
        await Bun.sleep(random() * MAX_HOLD_MS);
        world.link(name).release();
      });
    },
  },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULTS;

/** These break what is stored, after which less is promised: only what they broke is lost, and that is reported. */
export const DAMAGE: readonly FaultName[] = ["flip-bits"];

export const UNDAMAGING = (Object.keys(FAULTS) as FaultName[]).filter(
  (name) => !DAMAGE.includes(name),
);

/** One fault after the other, with calm between, until the time is over. */
export async function torment(
  world: World,
  random: Random,
  {
    names,
    untilMs,
    tell,
  }: {
    readonly names: readonly FaultName[];
    readonly untilMs: number;
    readonly tell: (name: FaultName) => void;
  },
): Promise<void> {
  const kinds = names.flatMap((name) => Array.from({ length: FAULTS[name].weight }, () => name));
  const [first, ...others] = kinds;
  while (first !== undefined && clock() < untilMs) {
    await Bun.sleep(random() * MAX_CALM_MS);
    const name = oneOf(random, [first, ...others]);
    tell(name);
    await FAULTS[name].act(world, random);
  }
}
