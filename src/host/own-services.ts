import type { Server } from "@grpc/grpc-js";
import type { HostReport } from "../core/host-report.ts";
import { DURABLE } from "../wire/durable-admin/service.ts";
import { HOST_INFO } from "../wire/host-info/service.ts";
import type { Durable } from "./durable/durable.ts";
import { createDurableAdmin } from "./durable-admin.ts";
import { createHostInfo } from "./host-info.ts";
import type { HostOptions } from "./options.ts";

export interface OwnServicesParts {
  readonly options: Pick<
    HostOptions,
    "maxMessageBytes" | "maxHeaders" | "maxHeaderBytes" | "messageLog" | "backupFolder"
  >;
  readonly report: () => HostReport;
  readonly durable: Durable;
  /** Told of each call, by the peer's `host:port`. */
  readonly onCall: (peer: string) => void;
}

/** Adds what a host offers to those who look after it. */
export function addOwnServices(server: Server, parts: OwnServicesParts): void {
  const { options, report, durable, onCall } = parts;
  const { maxMessageBytes, maxHeaders, maxHeaderBytes, messageLog: log, backupFolder } = options;
  server.addService(HOST_INFO, createHostInfo({ report, maxMessageBytes, onCall }));
  server.addService(
    DURABLE,
    createDurableAdmin({
      durable:
        log === undefined
          ? undefined
          : {
              ...{ log, backupFolder, topics: durable.topics, schedules: durable.schedules },
              onAppended: () => durable.cursors.wakeAll(),
            },
      ...{ maxMessageBytes, maxHeaders, maxHeaderBytes, onCall },
    }),
  );
}
