"""The agents that a Python peer can host, each by a name that a test asks for."""

import asyncio
import json
import sys
from typing import Any

from autogen_core import (
    AgentId,
    AgentRuntime,
    BaseAgent,
    ClosureAgent,
    ClosureContext,
    DefaultSubscription,
    DefaultTopicId,
    MessageContext,
    RoutedAgent,
    TopicId,
    TypeSubscription,
    default_subscription,
    message_handler,
    rpc,
    type_subscription,
)
from messages import Answer, Ask, Climate, Message, Note, Reading, Round, to_json


def emit(event: str, **facts: Any) -> None:
    """One fact for the test, as a line of JSON."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def emit_received(agent: AgentId, message: Any, ctx: MessageContext) -> None:
    emit(
        "received",
        agent=str(agent),
        topic=None if ctx.topic_id is None else str(ctx.topic_id),
        sender=None if ctx.sender is None else str(ctx.sender),
        isRpc=ctx.is_rpc,
        messageId=ctx.message_id,
        message=to_json(message),
    )


class Recorder(RoutedAgent):
    """Reports everything that it gets, data of types that it does not know included."""

    def __init__(self) -> None:
        super().__init__("Reports what it gets.")

    @message_handler
    async def on_known(self, message: Note | Climate | Message | Reading, ctx: MessageContext) -> None:
        emit_received(self.id, message, ctx)

    async def on_unhandled_message(self, message: Any, ctx: MessageContext) -> None:
        emit_received(self.id, message, ctx)


class Failing(RoutedAgent):
    """Reports notes, and fails to handle them."""

    def __init__(self) -> None:
        super().__init__("Fails.")

    @message_handler
    async def on_note(self, message: Note, ctx: MessageContext) -> None:
        emit_received(self.id, message, ctx)
        raise ValueError(message.text)


@default_subscription
class DefaultRecorder(Recorder):
    """Subscribed to the default topic by its class."""


@type_subscription("recorded_by_class")
class ClassRecorder(Recorder):
    """Subscribed to a topic of its own by its class."""


class Relay(RoutedAgent):
    """Publishes a note on the default topic, as often as the note's number says."""

    def __init__(self) -> None:
        super().__init__("Passes notes on.")

    @message_handler
    async def on_note(self, message: Note, ctx: MessageContext) -> None:
        emit_received(self.id, message, ctx)
        if message.number > 0:
            await self.publish_message(Note(f"{message.text}, relayed", message.number - 1), DefaultTopicId())


class Cascader(RoutedAgent):
    """Answers a message with one of the next round, so that N agents make N-1 of each; counts its calls."""

    last_round = 4

    def __init__(self) -> None:
        super().__init__("Multiplies messages.")
        self.num_calls = 0

    @message_handler
    async def on_round(self, message: Round, ctx: MessageContext) -> None:
        self.num_calls += 1
        if message.round < self.last_round:
            await self.publish_message(Round(message.round + 1, message.topic), TopicId(message.topic, "default"))


class Barrier:
    """Lets nobody through before `count` are here, which proves that their calls are in flight at once."""

    def __init__(self) -> None:
        self._waiting = 0
        self._all_here = asyncio.Event()

    async def wait(self, count: int) -> None:
        self._waiting += 1
        if self._waiting < count:
            await self._all_here.wait()
            return
        self._waiting = 0
        self._all_here.set()
        self._all_here = asyncio.Event()


barrier = Barrier()


class Callee(RoutedAgent):
    """Answers calls in all the ways that a callee can."""

    def __init__(self) -> None:
        super().__init__("Answers calls.")

    @rpc
    async def on_ask(self, message: Ask, ctx: MessageContext) -> Answer:
        match message.what:
            case "fail":
                raise ValueError(message.text)
            case "hang":
                emit("hanging", agent=str(self.id), text=message.text)
                await asyncio.Event().wait()
            case "barrier":
                await barrier.wait(message.count)
            case "forward":
                return await self._forward(message)
            case _:
                pass
        return self._answer(message.text, ctx)

    @rpc
    async def on_reading(self, message: Reading, ctx: MessageContext) -> Answer:
        return self._answer(f"{message.sensor} {message.celsius:g}", ctx)

    def _answer(self, text: str, ctx: MessageContext) -> Answer:
        return Answer(text, str(self.id), "nobody" if ctx.sender is None else str(ctx.sender))

    async def _forward(self, message: Ask) -> Answer:
        """Calls the next agent of the way while its own caller waits."""
        to, _, rest = message.to.partition(" ")
        what = "forward" if rest else message.text.partition(":")[0]
        result = await self.send_message(Ask(what, message.text, 0, rest), AgentId.from_str(to))
        assert isinstance(result, Answer), f"expected an Answer, got {result!r}"
        return Answer(result.text, f"{self.id} {result.served_by}", result.asked_by)


class Mute(BaseAgent):
    """Handles nothing."""

    def __init__(self) -> None:
        super().__init__("Handles nothing.")

    async def on_message_impl(self, message: Any, ctx: MessageContext) -> Any:
        raise NotImplementedError


AGENT_CLASSES: dict[str, type[RoutedAgent] | type[Mute]] = {
    "recorder": Recorder,
    "failing": Failing,
    "default-recorder": DefaultRecorder,
    "class-recorder": ClassRecorder,
    "relay": Relay,
    "cascader": Cascader,
    "callee": Callee,
    "mute": Mute,
}


async def register_closure(runtime: AgentRuntime, agent_type: str) -> None:
    """A closure agent on the default topic; it reports notes."""

    async def on_note(agent: ClosureContext, message: Note, ctx: MessageContext) -> None:
        emit_received(agent.id, message, ctx)

    await ClosureAgent.register_closure(
        runtime,
        agent_type,
        on_note,
        subscriptions=lambda: [DefaultSubscription(), TypeSubscription(f"{agent_type}_topic", agent_type)],
    )
