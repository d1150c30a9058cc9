"""Publishes what is ordered, and asks what is left."""

import asyncio
import os
from dataclasses import dataclass

from autogen_core import AgentId, TopicId, try_get_known_serializers_for_type
from autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime


@dataclass
class OrderUpdate:
    note: str
    item: str
    quantity: int


@dataclass
class GetStock:
    item: str


@dataclass
class Stock:
    item: str
    left: int


async def main() -> None:
    runtime = GrpcWorkerAgentRuntime(os.environ.get("AGENTRT_HOST_ADDRESS", "127.0.0.1:50051"))
    # A program without agents says itself which types it sends and gets.
    for message_type in (OrderUpdate, GetStock, Stock):
        runtime.add_message_serializer(try_get_known_serializers_for_type(message_type))
    await runtime.start()
    for item, quantity in (("apples", 30), ("pears", 5), ("apples", 12)):
        update = OrderUpdate("order data updated", item, quantity)
        await runtime.publish_message(update, TopicId("inventory_updates", "north"))
        print(f"ordered: {quantity} x {item}", flush=True)
    stock = await runtime.send_message(GetStock("apples"), AgentId("stock", "north"))
    print(f"apples left: {stock.left}", flush=True)
    await runtime.stop()


asyncio.run(main())
