"""What the four Python programs share: the command line, the JSON lines, the message and the tally."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

AGENT_TYPE = "bench_agent"
TOPIC_TYPE = "bench"
KEY = "default"
# The same in every program of the benchmark, so that each gives its own input and output a turn equally often.
MESSAGES_PER_TURN = 256


@dataclass
class BenchMessage:
    """One payload. The class name is the data type's name on the wire."""

    sequence: int
    text: str


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True, help="host:port of the host")
    parser.add_argument("--payload-bytes", type=int, default=128, help="bytes of the encoded payload")
    return parser.parse_args()


def padding_for(payload_bytes: int) -> str:
    """The text that makes an encoded BenchMessage with a seven-digit sequence exactly so long."""
    bare = len(json.dumps({"sequence": 1_000_000, "text": ""}))
    if payload_bytes < bare:
        raise SystemExit(f"--payload-bytes must be at least {bare}")
    return "x" * (payload_bytes - bare)


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def epoch_ms() -> float:
    return time.time() * 1000


async def commands() -> AsyncIterator[dict[str, Any]]:
    """The orchestrator's commands; ends when it closes standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


class Tally:
    """Which messages of an announced range have arrived."""

    def __init__(self) -> None:
        self._first = 0
        self._seen = bytearray()
        self._distinct = 0
        self._duplicates = 0
        self._strangers = 0
        self._last_at = 0.0

    def expect(self, first: int, count: int) -> None:
        self._first = first
        self._seen = bytearray(count)
        self._distinct = self._duplicates = self._strangers = 0
        self._last_at = 0.0

    def add(self, sequence: int) -> None:
        index = sequence - self._first
        if not 0 <= index < len(self._seen):
            self._strangers += 1
        elif self._seen[index]:
            self._duplicates += 1
        else:
            self._seen[index] = 1
            self._distinct += 1
            self._last_at = epoch_ms()
            if self._distinct == len(self._seen):
                self.report("received")

    def report(self, event: str) -> None:
        say(
            event=event,
            distinct=self._distinct,
            duplicates=self._duplicates,
            strangers=self._strangers,
            lastAt=self._last_at,
        )
