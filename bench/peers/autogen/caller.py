"""Calls the callee, with a given number of calls in flight, and checks each answer."""

import asyncio
import time

from autogen_core import AgentId, try_get_known_serializers_for_type
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from bench_io import AGENT_TYPE, KEY, BenchMessage, commands, padding_for, parse_arguments, say


async def main() -> None:
    arguments = parse_arguments()
    text = padding_for(arguments.payload_bytes)
    callee = AgentId(AGENT_TYPE, KEY)
    runtime = GrpcWorkerAgentRuntime(arguments.address)
    runtime.add_message_serializer(try_get_known_serializers_for_type(BenchMessage))
    await runtime.start()
    say(event="ready")
    async for command in commands():
        sequences = iter(range(command["first"], command["first"] + command["count"]))
        latencies_us: list[float] = []

        async def call_until_done() -> None:
            for sequence in sequences:
                before = time.perf_counter()
                answer = await runtime.send_message(BenchMessage(sequence, text), callee)
                latencies_us.append((time.perf_counter() - before) * 1e6)
                if answer.sequence != sequence:
                    raise RuntimeError(f"call {sequence} was answered with {answer.sequence}")

        began = time.perf_counter()
        await asyncio.gather(*(call_until_done() for _ in range(command["inFlight"])))
        elapsed_ms = (time.perf_counter() - began) * 1000
        say(
            event="called",
            elapsedMs=elapsed_ms,
            latenciesUs=[round(value, 1) for value in latencies_us] if command["inFlight"] == 1 else [],
        )
    await runtime.stop()


asyncio.run(main())
