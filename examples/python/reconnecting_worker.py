"""AutoGen's gRPC worker, connecting again by itself when its host was away.

autogen-ext's GrpcWorkerAgentRuntime opens its stream once. This subclass opens it again, with the same
client id, and registers its agent types and subscriptions anew; what was sent meanwhile goes out then.
Use it in place of the original:

    runtime = ReconnectingWorkerRuntime(host_address="localhost:50051")
    await runtime.start()

Written for autogen-ext 0.7.5: it reaches into the runtime's private attributes, which may change.
"""

import asyncio
import logging
import random

import grpc
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from autogen_ext.runtimes.grpc._type_helpers import ChannelArgumentType
from autogen_ext.runtimes.grpc._utils import subscription_to_proto
from autogen_ext.runtimes.grpc._worker_runtime import HostConnection
from autogen_ext.runtimes.grpc.protos import agent_worker_pb2, agent_worker_pb2_grpc

logger = logging.getLogger("reconnecting_worker")

# A dead connection is noticed after these even when the network says nothing.
SIGNS_OF_LIFE: ChannelArgumentType = [("grpc.keepalive_time_ms", 5000), ("grpc.keepalive_timeout_ms", 5000)]
LONGEST_PAUSE_S = 2.0


class ReconnectingWorkerRuntime(GrpcWorkerAgentRuntime):
    """Waits for its host at the start, and comes back to it whenever the connection breaks."""

    _watching: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        if self._running:
            raise ValueError("Runtime is already running.")
        await self._connect_again(None)
        self._running = True
        self._read_task = asyncio.create_task(self._run_read_loop())
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await super().stop()

    async def _watch(self) -> None:
        while self._running:
            broken = self._host_connection
            # The stream's reader ends at the end of the stream, and raises when it breaks.
            await asyncio.wait([broken._connection_task])
            error = broken._connection_task.exception()
            logger.warning("The connection to the host is over (%s); connecting again.", error or "ended")
            self._fail_requests()
            await self._connect_again(broken)
            await broken._channel.close()

    async def _connect_again(self, broken: HostConnection | None) -> None:
        pause = 0.05
        while True:
            channel = grpc.aio.insecure_channel(
                self._host_address, options=[*SIGNS_OF_LIFE, *self._extra_grpc_config]
            )
            try:
                connection = HostConnection(channel, agent_worker_pb2_grpc.AgentRpcStub(channel))
                if broken is not None:
                    connection._client_id = broken._client_id
                    # The runtime reads from this queue all its life.
                    connection._recv_queue = broken._recv_queue
                connection._connection_task = await HostConnection._connect(
                    connection._stub, connection._send_queue, connection._recv_queue, connection._client_id
                )
                await self._register_all(connection)
            except grpc.aio.AioRpcError as error:
                logger.info("The host cannot be reached (%s); trying again.", error.code())
                await channel.close()
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            while broken is not None and not broken._send_queue.empty():
                connection._send_queue.put_nowait(broken._send_queue.get_nowait())
            self._host_connection = connection
            return

    async def _register_all(self, connection: HostConnection) -> None:
        for agent_type in self._agent_factories:
            await self._offer(
                connection.stub.RegisterAgent(
                    agent_worker_pb2.RegisterAgentTypeRequest(type=agent_type), metadata=connection.metadata
                )
            )
        for subscription in self._subscription_manager.subscriptions:
            await self._offer(
                connection.stub.AddSubscription(
                    agent_worker_pb2.AddSubscriptionRequest(subscription=subscription_to_proto(subscription)),
                    metadata=connection.metadata,
                )
            )

    @staticmethod
    async def _offer(call: "grpc.aio.UnaryUnaryCall") -> None:
        try:
            await call
        except grpc.aio.AioRpcError as error:
            # The host may have it still, from this worker's earlier stream. Anything else is tried again.
            if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
                raise
            logger.warning("The host did not take a registration: %s", error.details())

    def _fail_requests(self) -> None:
        """Nobody will answer what was asked on the old stream."""
        for future in self._pending_requests.values():
            if not future.done():
                future.set_exception(ConnectionError("The connection to the host was lost before the answer came."))
        self._pending_requests.clear()
