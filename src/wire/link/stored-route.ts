import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import type { BatchRoute } from "../../core/event-batch.ts";
import { RouteSchema } from "../gen/agentrt/v1/link_pb.ts";
import { decodeRoute } from "./frames.ts";
import { senderFields } from "./route-sender.ts";

/** The route of a batch as the message log keeps it. The topic and the producer have columns of their own there. */
export function encodeStoredRoute({
  sender,
  dataType,
  contentType,
  headers,
  receivers = [],
}: Pick<BatchRoute, "sender" | "dataType" | "contentType" | "headers"> & {
  /** The only ones that get it by their cursors; none named is all. */
  readonly receivers?: BatchRoute["receivers"];
}): Uint8Array {
  return toBinary(
    RouteSchema,
    create(RouteSchema, {
      ...senderFields(sender),
      dataType,
      contentType,
      headers: { ...headers },
      receivers: [...receivers],
    }),
  );
}

/** What of a stored batch makes its route. */
export interface StoredRoute {
  readonly topicType: string;
  readonly topicSource: string;
  readonly route: Uint8Array;
  readonly producer: string;
}

/** @throws AgentrtError `STORE_DAMAGED` */
export function decodeStoredRoute(stored: StoredRoute): BatchRoute {
  const { topicType, topicSource, producer } = stored;
  try {
    const route = fromBinary(RouteSchema, stored.route);
    return decodeRoute({ ...route, topicType, topicSource, producer });
  } catch (error) {
    throw new AgentrtError(
      "STORE_DAMAGED",
      `The route of a stored batch on ${topicType} cannot be read: ${messageOf(error)}`,
    );
  }
}
