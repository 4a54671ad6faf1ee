"""Read a `.wandb` file record by record, as W&B wrote it: what `wandb leet inspect` leaves out, the group among it."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

# LevelDB's log: a header of the file, then blocks of 32 KiB with fragments (crc, length, type) of records.
FILE_HEADER, BLOCK, FRAGMENT = 7, 1 << 15, struct.Struct("<IHB")
FULL, LAST = 1, 4
# Seconds: `finish` returns a moment before W&B's own process has written the last records.
PATIENCE = 10


def run_of(directory: Path) -> Any:
    """The record of the run itself: group, job_type, tags, …"""
    return next(record.run for record in records(directory) if record.WhichOneof("record_type") == "run")


def history(directory: Path) -> list[dict[str, Any]]:
    """The rows that were logged; a histogram or a table is one object in its row."""
    rows = []
    for record in records(directory):
        if record.WhichOneof("record_type") != "history":
            continue
        row: dict[str, Any] = {}
        for item in record.history.item:
            panel, *parts = item.nested_key or [item.key]
            value = json.loads(item.value_json)
            row[panel] = {**row.get(panel, {}), "/".join(parts): value} if parts else value
        rows.append(row)
    return rows


def records(directory: Path) -> list[Record]:
    """Every record of a finished run's directory."""
    (file,) = directory.glob("*.wandb")
    deadline = time.monotonic() + PATIENCE
    while True:
        found = list(_parsed(file.read_bytes()))
        if (found and found[-1].WhichOneof("record_type") == "exit") or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def _parsed(data: bytes) -> Iterator[Record]:
    whole, position = b"", FILE_HEADER
    while position + FRAGMENT.size <= len(data):
        if BLOCK - position % BLOCK < FRAGMENT.size:
            position += BLOCK - position % BLOCK
            continue
        _, length, kind = FRAGMENT.unpack_from(data, position)
        position += FRAGMENT.size
        if position + length > len(data):
            return
        whole += data[position : position + length]
        position += length
        if kind in (FULL, LAST):
            record = Record()
            record.ParseFromString(whole)
            yield record
            whole = b""
