import {
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
} from "@opentelemetry/semantic-conventions/incubating";

/** The attributes of a message's spans: OpenTelemetry's messaging conventions, and `message.…`, our own. */
export const ATTRIBUTE = {
  system: ATTR_MESSAGING_SYSTEM,
  destination: ATTR_MESSAGING_DESTINATION_NAME,
  messageId: ATTR_MESSAGING_MESSAGE_ID,
  operationName: ATTR_MESSAGING_OPERATION_NAME,
  operationType: ATTR_MESSAGING_OPERATION_TYPE,
  /** `type/source`; events only. */
  topic: "message.topic",
  /** `type/key` of the agent that handles it or is called. */
  agent: "message.agent",
  /** `type/key`; absent when the sender is not an agent. */
  sender: "message.sender",
} as const;
