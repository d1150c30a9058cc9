"""Answers each call with the message that it got."""

import asyncio

from autogen_core import MessageContext, RoutedAgent, message_handler
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from bench_io import AGENT_TYPE, BenchMessage, commands, parse_arguments, say


class Callee(RoutedAgent):
    def __init__(self) -> None:
        super().__init__("echoes messages")

    @message_handler
    async def on_bench_message(self, message: BenchMessage, ctx: MessageContext) -> BenchMessage:
        return message


async def main() -> None:
    runtime = GrpcWorkerAgentRuntime(parse_arguments().address)
    await runtime.start()
    await Callee.register(runtime, AGENT_TYPE, Callee)
    say(event="ready")
    async for _ in commands():
        pass
    await runtime.stop()


asyncio.run(main())
