"""A small assembler of pickles: functions that give opcodes and their arguments as bytes."""

from __future__ import annotations

import struct

START = b"\x80\x04"


def string(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def name(module: str, attribute: str) -> bytes:
    return string(module) + string(attribute) + b"\x93"


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def call(callee: bytes, *arguments: bytes) -> bytes:
    return callee + tuple_of(*arguments) + b"R"


def new(cls: bytes, *arguments: bytes) -> bytes:
    return cls + tuple_of(*arguments) + b"\x81"


def state(**attributes: bytes) -> bytes:
    return b"}(" + b"".join(string(key) + value for key, value in attributes.items()) + b"u"


def alone(body: bytes) -> bytes:
    return START + body + b"."


def list_of(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def pickled(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data
