"""AutoGen's own Python host, as its documentation starts it."""

import asyncio

from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntimeHost
from bench_io import commands, parse_arguments


async def main() -> None:
    host = GrpcWorkerAgentRuntimeHost(parse_arguments().address)
    host.start()
    async for _ in commands():
        pass
    await host.stop(grace=0)


asyncio.run(main())
