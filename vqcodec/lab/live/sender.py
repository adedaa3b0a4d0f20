"""The sending process of a measurement (started by `live`): what a live encode made, given to viewers when it was made.

python -m MODULE FOLDER        prints its address, and then, as somebody watches, the clock at time 0
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from io import BytesIO
from pathlib import Path

from vqcodec.container import Reader
from vqcodec.lab.live.made import STREAM, made_in, moments
from vqcodec.live.server import LiveServer

_LINGER_S = 2.0


async def send(folder: Path) -> None:
    """Serve one viewer."""
    late_s = iter(made_in(folder).late_s)
    made = list(moments((folder / STREAM).read_bytes()))

    async def page() -> Path:
        return folder

    server = LiveServer("measured", 1, page)
    port = await server.start("127.0.0.1", 0)
    _tell(address=f"http://127.0.0.1:{port}/{server.token}/")
    # a viewer is connected before anything is on air, so that the line carries nothing but the stream
    while not any(viewer.is_open for viewer in server.viewers):
        await asyncio.sleep(0.02)
    zero_s = time.monotonic() + 0.1
    _tell(zero_s=zero_s)
    base_s: float | None = None
    for moment in made:
        if moment.groups:
            base_s = base_s or time_base_s(moment.joining)
            due_s = zero_s + float(int(moment.groups[-1].ticks[-1]) * base_s) + next(late_s)
            await asyncio.sleep(max(due_s - time.monotonic(), 0))
        server.give(moment)
    await asyncio.sleep(_LINGER_S)
    await server.close()


def time_base_s(joining: bytes) -> float:
    """Seconds in a tick, by a stream's HEAD."""
    return float(Reader(BytesIO(joining)).head.time_base_s)


def _tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(send(Path(sys.argv[1])))
