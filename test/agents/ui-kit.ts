import type { AgentrtError } from "agentrt";
import { EnvironmentData } from "../../agents/messages.ts";
import { createUiApp } from "../../agents/ui/app.ts";
import { EventStreams } from "../../agents/ui/event-streams.ts";
import { House } from "../../agents/ui/house.ts";

const open: EventStreams[] = [];

/** Ends what `makeApp` has started. */
export function closeApps(): void {
  for (const streams of open.splice(0)) {
    streams.close();
  }
}

/** The page's application over a house with one room, and what it was asked to send. */
export function makeApp(options: { maxClients?: number; failure?: AgentrtError } = {}) {
  const limits = { historyMs: 60_000, maxReadings: 10, maxRooms: 2, maxAlerts: 3 };
  const house = new House(limits, () => 1_000);
  const streams = new EventStreams(house, { maxClients: options.maxClients ?? 4 });
  open.push(streams);
  const sent: string[] = [];
  const act = async (what: string): Promise<void> => {
    if (options.failure !== undefined) {
      throw options.failure;
    }
    sent.push(what);
  };
  const app = createUiApp({
    house,
    streams,
    actions: {
      command: async (room, device, state) => await act(`${room} ${device} ${state}`),
      testAlert: async (room) => await act(`${room} test`),
    },
    options: { allowedHosts: [], confirmTimeoutMs: 8_000 },
  });
  house.addReading("kitchen", EnvironmentData.of({ temperature: 25, humidity: 40 }));
  return { app, house, streams, sent };
}

export type App = ReturnType<typeof makeApp>["app"];

export async function post(
  app: App,
  path: string,
  body: string,
  headers: Record<string, string> = {},
) {
  return await app.request(path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

export async function errorOf(response: Response): Promise<unknown> {
  return { status: response.status, ...((await response.json()) as { error: object }).error };
}
