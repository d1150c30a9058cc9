import {
  type MessageType,
  RoutedAgent,
  SingleThreadedAgentRuntime,
  TypeSubscription,
} from "agentrt";
import {
  DeviceError,
  DeviceStatus,
  EnvironmentData,
  SecurityAlert,
  TOPICS,
} from "../../agents/messages.ts";

/** One message that the smart home published. */
export interface Heard {
  readonly room: string;
  readonly type: string;
  readonly data: object;
  readonly priority: string | undefined;
}

/** Makes a runtime without a network, and a list of everything that the home publishes on it. */
export async function startHome(): Promise<{
  runtime: SingleThreadedAgentRuntime;
  heard: Heard[];
}> {
  const runtime = new SingleThreadedAgentRuntime();
  const heard: Heard[] = [];
  await runtime.registerFactory("listener", () => new Listener(heard));
  for (const topicType of [TOPICS.environmentData, TOPICS.deviceStatus, TOPICS.securityAlerts]) {
    await runtime.addSubscription(new TypeSubscription(topicType, "listener"));
  }
  await runtime.start();
  return { runtime, heard };
}

class Listener extends RoutedAgent {
  constructor(heard: Heard[]) {
    super("Writes down what is published");
    const types: MessageType[] = [EnvironmentData, DeviceStatus, DeviceError, SecurityAlert];
    for (const type of types) {
      this.handleEvent(type, (data, context) => {
        heard.push({
          room: this.id.key,
          type: type.name,
          data: { ...data },
          priority: context.headers["priority"],
        });
      });
    }
  }
}

/** Waits for a condition; the test's own time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
