import { getLogger } from "@logtape/logtape";
import type { JsonValue } from "../core/agent.ts";
import { AgentId } from "../core/agent-id.ts";
import {
  JSON_CONTENT_TYPE,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../core/envelope.ts";
import { HAND_OVER, LEAVE_TARGET } from "../core/hand-over.ts";
import type { AgentInstances } from "./agent-instances.ts";
import { errorAnswerTo } from "./answer.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { HostLink } from "./host-link.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";
import type { PendingCalls } from "./pending-calls.ts";

const logger = getLogger(["agentrt", "worker"]);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function isHandOver({ method }: RequestEnvelope): boolean {
  return method === HAND_OVER.takeOut || method === HAND_OVER.putIn;
}

/** Gives away an instance of a shared agent type, or takes one in. Does not reject: a failure is the answer. */
export async function handOver(
  request: RequestEnvelope,
  instances: AgentInstances,
  dispatcher: Dispatcher,
): Promise<ResponseEnvelope> {
  try {
    const state =
      request.method === HAND_OVER.takeOut
        ? await takeOut(request.target, instances, dispatcher)
        : await putIn(request, instances);
    return {
      ...{ kind: "response", id: request.id, error: "", headers: {} },
      payload: { dataType: "", contentType: JSON_CONTENT_TYPE, data: encoder.encode(state) },
    };
  } catch (error) {
    return errorAnswerTo(request.id, error);
  }
}

/** Asks the host to move the instances that this worker shares with others, of one agent type or all. */
function leaveRequest(id: string, agentType: string | undefined): RequestEnvelope {
  const method = agentType === undefined ? HAND_OVER.leave : HAND_OVER.leaveType;
  return {
    ...{ kind: "request", id, sender: undefined, method, headers: {} },
    target: new AgentId(LEAVE_TARGET.type, agentType ?? LEAVE_TARGET.key),
    payload: { dataType: "", contentType: "", data: new Uint8Array(0) },
  };
}

/** The state as JSON, empty when there is none. The host sends the instance nothing any more. */
async function takeOut(
  id: AgentId,
  instances: AgentInstances,
  dispatcher: Dispatcher,
): Promise<string> {
  const slot = instances.find(id);
  if (slot === undefined) {
    return "";
  }
  while (dispatcher.isBusy(slot)) {
    await handledByAny(dispatcher);
  }
  const state = slot.isLiving ? await slot.save() : null;
  await instances.drop(id);
  return state === null ? "" : JSON.stringify(state);
}

/** Resolves after the next message that an agent of this runtime has handled. */
export async function handledByAny(dispatcher: Dispatcher): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const forget = dispatcher.onHandled(resolve);
  await promise;
  forget();
  // The mailbox notes the end of its work only after its listeners were told.
  await new Promise((later) => setImmediate(later));
}

async function putIn(request: RequestEnvelope, instances: AgentInstances): Promise<string> {
  const state = JSON.parse(decoder.decode(request.payload.data)) as JsonValue;
  await instances.slot(request.target).load(state);
  return "";
}

/**
 * Lets the host move shared instances to other workers, with their states, while this one still answers.
 * @param timeoutMs 0 does not wait for it, so nothing is asked
 * @param agentType which the host then forgets; undefined is all, because the worker goes
 */
export async function takeLeave(
  calls: PendingCalls,
  outgoing: OutgoingQueue,
  link: HostLink,
  timeoutMs: number,
  agentType?: string,
): Promise<void> {
  if (timeoutMs === 0) {
    return;
  }
  const call = calls.open(leaveRequest("", agentType).target, timeoutMs, undefined);
  try {
    // The next host has nothing to move.
    void link.ended.then((error) => calls.fail(call, error));
    await outgoing.send(leaveRequest(call.id, agentType), undefined, link);
    await call.answer;
  } catch (error) {
    logger.warn("the host did not take over all shared instances; their states may be lost", {
      ...(agentType === undefined ? {} : { agentType }),
      error,
    });
  }
}
