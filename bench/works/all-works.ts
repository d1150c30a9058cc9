import type { Systems } from "../systems.ts";
import type { Tools } from "../tools.ts";
import { autogenWorks } from "./autogen.ts";
import { durableWorks } from "./durable.ts";
import { fanOutWorks } from "./fan-out.ts";
import { growthWorks } from "./growth.ts";
import { memoryWorks } from "./memory.ts";
import { oneWayWorks } from "./one-way.ts";
import { priorityWorks } from "./priority.ts";
import { rpcWorks } from "./rpc.ts";
import { startWorks } from "./start.ts";
import type { Work } from "./work.ts";

/** Everything that is measured, in the order of the report. */
export function allWorks(systems: Systems, tools: Tools): readonly Work[] {
  return [
    oneWayWorks,
    fanOutWorks,
    rpcWorks,
    durableWorks,
    autogenWorks,
    priorityWorks,
    memoryWorks,
    growthWorks,
    startWorks,
  ].flatMap((make) => make(systems, tools));
}
