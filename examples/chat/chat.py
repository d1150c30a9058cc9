"""A person in the chat room. Prints what others say, and says what is typed."""

import asyncio
import os
import sys
import threading
from dataclasses import dataclass

from autogen_core import MessageContext, RoutedAgent, TopicId, TypeSubscription, message_handler
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime


@dataclass
class ChatLine:
    speaker: str
    text: str


SPEAKER = sys.argv[1] if len(sys.argv) > 1 else "Grace"
ROOM = TopicId("chat", "lobby")
AGENT_TYPE = f"chat_{SPEAKER.lower()}"


class Person(RoutedAgent):
    @message_handler
    async def on_line(self, message: ChatLine, ctx: MessageContext) -> None:
        # What is published outside a handler comes back to its own subscription, too.
        if message.speaker == SPEAKER:
            return
        print(f"{message.speaker}: {message.text}", flush=True)
        if message.text == "I am here.":
            await self.publish_message(ChatLine(SPEAKER, f"Welcome, {message.speaker}!"), ROOM)


async def main() -> None:
    runtime = GrpcWorkerAgentRuntime(os.environ.get("AGENTRT_HOST_ADDRESS", "127.0.0.1:50051"))
    await runtime.start()
    await Person.register(runtime, AGENT_TYPE, lambda: Person("Somebody in the chat room"))
    await runtime.add_subscription(TypeSubscription(ROOM.type, AGENT_TYPE))
    print(f"{SPEAKER} is in the room.", flush=True)
    await runtime.publish_message(ChatLine(SPEAKER, "I am here."), ROOM)
    loop = asyncio.get_running_loop()

    def say_what_is_typed() -> None:
        for text in sys.stdin:
            line = ChatLine(SPEAKER, text.rstrip("\n"))
            asyncio.run_coroutine_threadsafe(runtime.publish_message(line, ROOM), loop)

    # A daemon, so that its waiting for the keyboard does not hold up the end.
    threading.Thread(target=say_what_is_typed, daemon=True).start()
    await runtime.stop_when_signal()


asyncio.run(main())
