"""Message types that the Python and the TypeScript peers of these tests share by name.

One of each kind that AutoGen can send: dataclasses, a pydantic model and a protobuf message.
Annotations must stay real types here, not strings: AutoGen's serializer looks at them.
"""

from dataclasses import asdict, dataclass
from typing import Any

from autogen_core import UnknownPayload
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message as ProtobufMessage
from pydantic import BaseModel


@dataclass
class Note:
    """Something to publish."""

    text: str
    number: int


@dataclass
class Round:
    """A message that its receivers answer with more messages, until the last round."""

    round: int
    topic: str


@dataclass
class Ask:
    """A call; `what` says which behaviour of the callee is asked for."""

    what: str
    text: str
    count: int = 0
    to: str = ""


@dataclass
class Answer:
    text: str
    served_by: str
    asked_by: str


@dataclass
class Message:
    """What agentrt's short API sends."""

    content: Any
    topic: str
    metadata: dict[str, str]


class Place(BaseModel):
    room: str
    floor: int


class Climate(BaseModel):
    """Nested data, which AutoGen allows in pydantic models only."""

    temperature: float
    place: Place
    tags: list[str]
    comment: str | None = None


def _reading_class() -> Any:
    """`agentrt.test.v1.Reading`, described here a second time so that neither side trusts the other's file."""
    file = descriptor_pb2.FileDescriptorProto(
        name="agentrt/test/v1/reading.proto", package="agentrt.test.v1", syntax="proto3"
    )
    reading = file.message_type.add(name="Reading")
    field = descriptor_pb2.FieldDescriptorProto
    optional = field.LABEL_OPTIONAL
    reading.field.add(name="sensor", number=1, type=field.TYPE_STRING, label=optional)
    reading.field.add(name="celsius", number=2, type=field.TYPE_DOUBLE, label=optional)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("agentrt.test.v1.Reading"))


Reading = _reading_class()

MESSAGE_TYPES: dict[str, Any] = {
    "Note": Note,
    "Round": Round,
    "Ask": Ask,
    "Answer": Answer,
    "Message": Message,
    "Climate": Climate,
    "agentrt.test.v1.Reading": Reading,
}


def from_json(described: dict[str, Any]) -> Any:
    """The message that `{"type": ..., "data": {...}}` describes."""
    cls = MESSAGE_TYPES[described["type"]]
    data = described["data"]
    if issubclass(cls, ProtobufMessage):
        return json_format.ParseDict(data, cls())
    return cls(**data)


def to_json(message: Any) -> dict[str, Any] | None:
    """The description of a message that this process sent or got; None for no message."""
    if message is None:
        return None
    if isinstance(message, UnknownPayload):
        data: Any = {
            "dataType": message.type_name,
            "contentType": message.data_content_type,
            "bytes": len(message.payload),
        }
        return {"type": "UnknownPayload", "data": data}
    if isinstance(message, ProtobufMessage):
        return {"type": message.DESCRIPTOR.full_name, "data": json_format.MessageToDict(message)}
    data = message.model_dump() if isinstance(message, BaseModel) else asdict(message)
    return {"type": type(message).__name__, "data": data}
