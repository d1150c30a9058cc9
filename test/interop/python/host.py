"""AutoGen's own host, for our worker to prove itself against. Ends when its standard input does."""

import argparse
import asyncio
import sys

from agents import emit
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntimeHost


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True, help="address and port, such as 127.0.0.1:50051")
    arguments = parser.parse_args()

    host = GrpcWorkerAgentRuntimeHost(address=arguments.listen)
    host.start()
    emit("ready", listen=arguments.listen)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await host.stop(grace=0)


if __name__ == "__main__":
    asyncio.run(main())
