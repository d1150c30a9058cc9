"""Counts the messages of a topic, each decoded into its dataclass."""

import asyncio

from autogen_core import MessageContext, RoutedAgent, TypeSubscription, message_handler
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from bench_io import AGENT_TYPE, TOPIC_TYPE, BenchMessage, Tally, commands, parse_arguments, say

tally = Tally()


class Subscriber(RoutedAgent):
    def __init__(self) -> None:
        super().__init__("counts messages")

    @message_handler
    async def on_bench_message(self, message: BenchMessage, ctx: MessageContext) -> None:
        tally.add(message.sequence)


async def main() -> None:
    runtime = GrpcWorkerAgentRuntime(parse_arguments().address)
    await runtime.start()
    await Subscriber.register(runtime, AGENT_TYPE, Subscriber)
    await runtime.add_subscription(TypeSubscription(TOPIC_TYPE, AGENT_TYPE))
    say(event="ready")
    async for command in commands():
        if command["do"] == "expect":
            tally.expect(command["first"], command["count"])
            say(event="armed")
        else:
            tally.report("tally")
    await runtime.stop()


asyncio.run(main())
