"""An AutoGen worker that a test steers.

Reads commands on standard input, one JSON object a line: `{"id": 1, "do": "publish", ...}`.
Writes on standard output, one JSON object a line: `ready` once, a `reply` with the id of each command,
`received` for each message that a recording agent got, `hanging` when a callee hangs as told.
Commands start in the order of their lines and run side by side, because calls may wait for each other.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import grpc
from agents import AGENT_CLASSES, Cascader, emit, register_closure
from autogen_core import (
    JSON_DATA_CONTENT_TYPE,
    PROTOBUF_DATA_CONTENT_TYPE,
    AgentId,
    Subscription,
    TopicId,
    TypePrefixSubscription,
    TypeSubscription,
    try_get_known_serializers_for_type,
)
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
from autogen_ext.runtimes.grpc.protos import agent_worker_pb2, agent_worker_pb2_grpc
from messages import MESSAGE_TYPES, from_json, to_json
from opentelemetry.trace import TracerProvider
from spans import tracer_provider_for

MAX_LINE_BYTES = 64 * 1024 * 1024


def to_agent_id(text: str | None) -> AgentId | None:
    return None if text is None else AgentId.from_str(text)


class Worker:
    """One AutoGen runtime at a time, and the commands that it obeys."""

    def __init__(
        self,
        host: str,
        payload: str,
        tracer_provider: TracerProvider | None,
        runtime_class: type[GrpcWorkerAgentRuntime],
    ) -> None:
        self._host = host
        self._runtime_class = runtime_class
        self._payload = PROTOBUF_DATA_CONTENT_TYPE if payload == "protobuf" else JSON_DATA_CONTENT_TYPE
        self._tracer_provider = tracer_provider
        self._runtime: GrpcWorkerAgentRuntime | None = None
        # Held, because the event loop itself refers to its tasks only weakly.
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def runtime(self) -> GrpcWorkerAgentRuntime:
        assert self._runtime is not None, "The worker is not joined to a host."
        return self._runtime

    def take(self, line: str) -> None:
        task = asyncio.create_task(self._obey(json.loads(line)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self, command: dict[str, Any]) -> None:
        identity = command.pop("id")
        action = getattr(self, "do_" + command.pop("do"))
        try:
            value = await action(**command)
        except grpc.aio.AioRpcError as error:
            failure = {"type": "AioRpcError", "code": error.code().name, "text": error.details()}
            emit("reply", id=identity, error=failure)
        except Exception as error:
            emit("reply", id=identity, error={"type": type(error).__name__, "code": None, "text": str(error)})
        else:
            emit("reply", id=identity, value=value)

    async def do_join(self, host: str | None = None, maxMessageBytes: int | None = None) -> None:
        """Connects a new runtime, the old one having left."""
        assert self._runtime is None, "The worker is joined already."
        options = (
            None
            if maxMessageBytes is None
            else [
                ("grpc.max_send_message_length", maxMessageBytes),
                ("grpc.max_receive_message_length", maxMessageBytes),
            ]
        )
        runtime = self._runtime_class(
            host_address=host or self._host,
            tracer_provider=self._tracer_provider,
            extra_grpc_config=options,
            payload_serialization_format=self._payload,
        )
        for message_type in MESSAGE_TYPES.values():
            runtime.add_message_serializer(try_get_known_serializers_for_type(message_type))
        await runtime.start()
        self._runtime = runtime

    async def do_leave(self) -> None:
        runtime = self.runtime
        self._runtime = None
        await runtime.stop()

    async def do_cut(self) -> None:
        """Loses the connection without a word, as a worker that crashes does."""
        connection = self.runtime._host_connection
        assert connection is not None
        self._runtime = None
        try:
            await connection.close()
        except asyncio.CancelledError:
            # AutoGen's read loop ends this way when its channel is closed under it.
            pass

    async def do_register(self, agentType: str, kind: str, direct: bool = True) -> None:
        """`Agent.register`, with the subscriptions that it makes by itself."""
        if kind == "closure":
            await register_closure(self.runtime, agentType)
        else:
            cls = AGENT_CLASSES[kind]
            await cls.register(self.runtime, agentType, cls, skip_direct_message_subscription=not direct)

    async def do_registerInstance(self, agent: str, kind: str, subscribe: bool = False) -> bool:
        """Registers one living agent; true when the runtime gives that very one back."""
        instance = AGENT_CLASSES[kind]()
        agent_id = AgentId.from_str(agent)
        if subscribe:
            await instance.register_instance(self.runtime, agent_id)
        else:
            await self.runtime.register_agent_instance(instance, agent_id)
        return await self.runtime.try_get_underlying_agent_instance(agent_id) is instance

    async def do_subscribe(self, kind: str, pattern: str, agentType: str, subscriptionId: str | None = None) -> str:
        subscription: Subscription = (
            TypeSubscription(pattern, agentType, id=subscriptionId)
            if kind == "type"
            else TypePrefixSubscription(pattern, agentType, id=subscriptionId)
        )
        await self.runtime.add_subscription(subscription)
        return subscription.id

    async def do_unsubscribe(self, subscriptionId: str) -> None:
        await self.runtime.remove_subscription(subscriptionId)

    async def do_subscriptions(self) -> list[dict[str, str]]:
        """What the host knows of, asked over a connection of its own."""
        async with grpc.aio.insecure_channel(self._host) as channel:
            stub: Any = agent_worker_pb2_grpc.AgentRpcStub(channel)  # type: ignore[no-untyped-call]
            response = await stub.GetSubscriptions(
                agent_worker_pb2.GetSubscriptionsRequest(), metadata=[("client-id", "interop-onlooker")]
            )
        found: list[dict[str, str]] = []
        for subscription in response.subscriptions:
            is_exact = subscription.WhichOneof("subscription") == "typeSubscription"
            inner = subscription.typeSubscription if is_exact else subscription.typePrefixSubscription
            pattern = inner.topic_type if is_exact else inner.topic_type_prefix
            kind = "type" if is_exact else "prefix"
            found.append({"id": subscription.id, "kind": kind, "pattern": pattern, "agentType": inner.agent_type})
        return found

    async def do_publish(
        self,
        topic: str,
        message: dict[str, Any],
        sender: str | None = None,
        messageId: str | None = None,
    ) -> None:
        await self.runtime.publish_message(
            from_json(message), TopicId.from_str(topic), sender=to_agent_id(sender), message_id=messageId
        )

    async def do_call(self, target: str, message: dict[str, Any], sender: str | None = None) -> dict[str, Any] | None:
        result = await self.runtime.send_message(
            from_json(message), AgentId.from_str(target), sender=to_agent_id(sender)
        )
        return to_json(result)

    async def do_callMany(self, target: str, what: str, count: int, barrier: int, prefix: str) -> list[Any]:
        """Makes `count` calls at once, each of an instance of its own; their results in the order of the calls."""

        async def ask(text: str) -> dict[str, Any] | None:
            data = {"what": what, "text": text, "count": barrier}
            return await self.do_call(f"{target}/{text}", {"type": "Ask", "data": data})

        return await asyncio.gather(*(ask(f"{prefix}-{n}") for n in range(count)))

    async def do_countCalls(self, agent: str) -> int:
        cascader = await self.runtime.try_get_underlying_agent_instance(AgentId.from_str(agent), Cascader)
        return cascader.num_calls


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True, help="address and port of the host")
    parser.add_argument("--payload", choices=["json", "protobuf"], default="json", help="how it publishes")
    parser.add_argument("--spans", help="a file that gets each of its spans as a line of JSON")
    parser.add_argument("--joined", action="store_true", help="its spans join the traces that reach it")
    parser.add_argument("--reconnecting", action="store_true", help="comes back to its host by itself")
    arguments = parser.parse_args()

    tracer_provider = tracer_provider_for(arguments.spans, arguments.joined)
    runtime_class = GrpcWorkerAgentRuntime
    if arguments.reconnecting:
        sys.path.append(str(Path(__file__).resolve().parents[3] / "examples/python"))
        from reconnecting_worker import ReconnectingWorkerRuntime

        runtime_class = ReconnectingWorkerRuntime
    worker = Worker(arguments.host, arguments.payload, tracer_provider, runtime_class)
    await worker.do_join()
    emit("ready")

    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        worker.take(line.decode())


if __name__ == "__main__":
    asyncio.run(main())
