// The public entry of agentrt. What is not named here is private and may change at any time.

export { AgentId } from "./core/agent-id.ts";
export { registerAgent } from "./core/declared-agent.ts";
export { defineAgent } from "./core/define-agent.ts";
export { BYTES_CONTENT_TYPE, JSON_CONTENT_TYPE, PROTOBUF_CONTENT_TYPE } from "./core/envelope.ts";
export { AgentrtError, ERROR_CODES, messageOf } from "./core/errors.ts";
export { DROP_MESSAGE } from "./core/intervention.ts";
export {
  BytesMessage,
  defineBytes,
  defineMessage,
  markMessage,
  messageTypeOf,
  UnknownPayload,
} from "./core/message-type.ts";
export { PRESENCE_TOPIC } from "./core/presence.ts";
export { PRIORITIES, PRIORITY_HEADER, priorityOf } from "./core/priority.ts";
export { RoutedAgent } from "./core/routed-agent.ts";
export { AGE_HEADER, RETAIN_HEADER } from "./core/routing-headers.ts";
export { TypePrefixSubscription, TypeSubscription } from "./core/subscription.ts";
export { DefaultTopicId, TopicId } from "./core/topic-id.ts";
export { GrpcWorkerAgentRuntimeHost } from "./host/host.ts";
export { pageError } from "./security/page-error.ts";
export { pageGuard } from "./security/page-guard.ts";
export { MAX_STREAM_SILENCE_MS, startPageServer } from "./security/page-server.ts";
export { openMessageLog } from "./store/log/open-message-log.ts";
export { createMemoryStore } from "./store/memory-store.ts";
export { openSqliteStore } from "./store/sqlite-store.ts";
export { activeSpan } from "./telemetry/message-tracing.ts";
export { protobufMessage } from "./wire/protobuf-message.ts";
export { registerClosureAgent } from "./worker/closure-agent.ts";
export { GrpcWorkerAgentRuntime } from "./worker/grpc-worker-runtime.ts";
export { SingleThreadedAgentRuntime } from "./worker/in-process-runtime.ts";
export { isolated } from "./worker/isolation/isolated-factory.ts";
export { MESSAGE_TYPE, Message } from "./worker/message.ts";
export { GrpcWorkerAgentRuntimePool } from "./worker/pool.ts";
export { PooledRuntime } from "./worker/pooled-runtime.ts";
export { Topic } from "./worker/topic.ts";

// Types.

export type {
  Agent,
  AgentFactory,
  AgentMetadata,
  AgentTask,
  JsonValue,
  MessageContext,
} from "./core/agent.ts";
export type { AgentTimer, CronOptions, TimerHandler } from "./core/agent-timers.ts";
export type {
  AgentTypeOptions,
  CircuitOptions,
  RestartOptions,
} from "./core/agent-type-options.ts";
export type { DeadLetter } from "./core/dead-letter.ts";
export type { AgentClass } from "./core/declared-agent.ts";
export type {
  AgentDefinition,
  AgentHooks,
  DefinedAgent,
  TopicInterest,
} from "./core/define-agent.ts";
export type { Headers } from "./core/envelope.ts";
export type { AgentrtErrorOptions, ErrorCode, Retry } from "./core/errors.ts";
export type { HandlerResult } from "./core/handler-calls.ts";
export type { HostReport, HostState, HostTotals } from "./core/host-report.ts";
export type {
  Intervention,
  InterventionHandler,
  PublishIntervention,
  ResponseIntervention,
  SendIntervention,
} from "./core/intervention.ts";
export type {
  BytesMessageType,
  MessageCheck,
  MessageOf,
  MessageType,
} from "./core/message-type.ts";
export type { PresenceReason, WorkerPresence } from "./core/presence.ts";
export type { Priority } from "./core/priority.ts";
export type { MessageHandler } from "./core/routed-agent.ts";
export type { RetainMode } from "./core/routing-headers.ts";
export type {
  AgentConstructor,
  AgentRuntime,
  PublishOptions,
  RegisterOptions,
  SendOptions,
} from "./core/runtime.ts";
export type { WhenMissed } from "./core/scheduled-message.ts";
export type { DeadLetterStore, StateStore, Store } from "./core/state-store.ts";
export type { Subscription } from "./core/subscription.ts";
export type { ActiveSpan, SpanAttribute, TracerProviderLike } from "./core/tracing.ts";
export type { TypePolicy, TypePolicyOptions } from "./core/type-policy.ts";
export type { HostOptions, SlowWorkerPolicy } from "./host/options.ts";
export type { PageErrorBody, PageErrorCode } from "./security/page-error.ts";
export type { PageBindings, PageGuardOptions, PageInfo } from "./security/page-guard.ts";
export type { PageApp, PageServer, PageServerOptions } from "./security/page-server.ts";
export type { MessageLogOptions } from "./store/log/log-options.ts";
export type { MessageLog } from "./store/log/message-log.ts";
export type { AgentTypeReport } from "./worker/agent-type.ts";
export type { CircuitStateName } from "./worker/circuit.ts";
export type {
  AgentClosure,
  ClosureAgent,
  ClosureAgentOptions,
  UnknownTypePolicy,
} from "./worker/closure-agent.ts";
export type { ConnectionState } from "./worker/connection-state.ts";
export type { DispatchCounts } from "./worker/dispatch-counts.ts";
export type { ConnectionListener } from "./worker/grpc-worker-runtime.ts";
export type { HostSchedules, ScheduleInfo, ScheduleOptions } from "./worker/host-schedules.ts";
export type { IsolateOptions } from "./worker/isolation/isolated-factory.ts";
export type { MailboxFullPolicy } from "./worker/mailbox.ts";
export type { MessageFields, MessageMetadata } from "./worker/message.ts";
export type { GetRuntimeOptions, PoolOptionsInput } from "./worker/pool.ts";
export type { RegistrationPolicy } from "./worker/registrations.ts";
export type { RuntimeOptions, RuntimeOptionsInput } from "./worker/runtime-options.ts";
export type { RuntimeReport } from "./worker/runtime-report.ts";
export type { TopicHandler, TopicSubscription } from "./worker/topic-subscriptions.ts";
export type { LastWill, WorkerOptions, WorkerOptionsInput } from "./worker/worker-options.ts";
