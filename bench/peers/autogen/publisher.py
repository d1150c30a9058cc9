"""Publishes numbered messages on a topic, awaiting each publish."""

import asyncio

from autogen_core import TopicId, try_get_known_serializers_for_type
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from bench_io import KEY, MESSAGES_PER_TURN, TOPIC_TYPE, BenchMessage, commands, epoch_ms, padding_for, parse_arguments, say


async def main() -> None:
    arguments = parse_arguments()
    text = padding_for(arguments.payload_bytes)
    topic = TopicId(TOPIC_TYPE, KEY)
    runtime = GrpcWorkerAgentRuntime(arguments.address)
    runtime.add_message_serializer(try_get_known_serializers_for_type(BenchMessage))
    await runtime.start()
    say(event="ready")
    async for command in commands():
        started_at = epoch_ms()
        for index in range(command["count"]):
            await runtime.publish_message(BenchMessage(command["first"] + index, text), topic)
            if index % MESSAGES_PER_TURN == MESSAGES_PER_TURN - 1:
                await asyncio.sleep(0)
        say(event="sent", startedAt=started_at, endedAt=epoch_ms())
    await runtime.stop()


asyncio.run(main())
