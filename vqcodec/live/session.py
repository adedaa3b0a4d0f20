"""A live stream from its source to those who watch: the one place that joins the encode and the server.

source --encode, low delay (a thread)--> Tap --> LiveServer (the loop) --> viewers
+----> FILE.vqt
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.encoding import pipeline
from vqcodec.encoding.pacing import Pace
from vqcodec.encoding.parts import EncoderPartsSource
from vqcodec.encoding.watched import Watched
from vqcodec.errors import MediaError
from vqcodec.live.camera import camera_number, open_camera
from vqcodec.live.server import LiveServer
from vqcodec.live.tap import Tap
from vqcodec.media.out.atomic import in_place_output
from vqcodec.reports import EncodeReport
from vqcodec.types import FileLike

LIVE_LAYERS = 3
"""The finest one takes two fifths of the motion's bits, in groups as short as these."""
LIVE_AUDIO_BPS = 7000
"""Unless another rate is asked for: sound is the largest part of a live stream, headers the next."""
END_WITHIN_S = 20.0
"""After a request to end, for what is under way; an input that is silent isn't waited for longer."""


class Session:
    """One live stream.

    Args:
        source: a path, "-", "camera" or "camera:N".
        options: of the encode; live and low_delay are set.
        parts: the encode's models.
        to: a file that gets the stream, too, group by group; None: nobody keeps it.
        force: replace it.

    Attributes:
        report: of the encode, once it is over.
        pace: its input's.
    """

    def __init__(
        self,
        source: str,
        options: EncodeOptions,
        parts: EncoderPartsSource | None = None,
        *,
        to: FileLike | None = None,
        force: bool = False,
    ) -> None:
        audio = options.audio
        if audio.mode == "opus" and audio.bitrate_bps is None:
            audio = AudioChoice(audio.mode, LIVE_AUDIO_BPS)
        self.report: EncodeReport | None = None
        self.pace = Pace()
        self._source, self._parts, self._to, self._force = source, parts, to, force
        self._options = replace(options, live=True, low_delay=True, audio=audio)
        self._over = asyncio.Event()
        self._fault: BaseException | None = None

    async def run(self, server: LiveServer) -> None:
        """Encode and send until the source is over, or this is cancelled; both end the stream as it should end.

        Raises:
            VqcodecError: as `vqcodec.encode`.
        """
        loop = asyncio.get_running_loop()
        # a daemon: an input that stays silent must not keep the program
        thread = threading.Thread(
            target=self._encode, args=(server, loop), name="vqcodec-live", daemon=True
        )
        thread.start()
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            self.pace.stop()
            await asyncio.wait([asyncio.create_task(self._over.wait())], timeout=END_WITHIN_S)
        if self._fault is not None:
            raise self._fault

    def _encode(self, server: LiveServer, loop: asyncio.AbstractEventLoop) -> None:
        try:
            opened = (
                nullcontext(None)
                if self._to is None
                else in_place_output(self._to, force=self._force)
            )
            with opened as file:
                tap = Tap(server.give, file)
                number = camera_number(self._source)
                self.report = pipeline.encode(
                    self._source if number is None else open_camera(number),
                    cast(BinaryIO, tap),
                    self._options,
                    parts=self._parts,
                    watched=Watched(self.pace, tap.spare),
                )
                tap.flush()
        except BaseException as fault:  # raised again where the session is awaited
            self._fault = fault
        loop.call_soon_threadsafe(self._over.set)


async def broadcast(
    session: Session,
    server: LiveServer,
    host: str,
    port: int,
    told: Callable[[str], Any],
) -> None:
    """Serve a session until it is over.

    Args:
        session: what is sent.
        server: to whom.
        host: the address to listen at.
        port: 0 takes any that is free.
        told: called with the page's address once it can be opened.

    Raises:
        MediaError: the port is taken, or there is no such host.
        VqcodecError: as `Session.run`.
    """
    try:
        taken = await server.start(host, port)
    except OSError as error:
        raise MediaError(
            f"{host}:{port} can't be listened at: {error.strerror or error}",
            hint="Choose another --port, or an address of this machine with --host.",
        ) from error
    shown = f"[{host}]" if ":" in host else host
    told(f"http://{shown}:{taken}/{server.token}/?live")
    try:
        await session.run(server)
    finally:
        await server.close()


def page_of(folder: Path | None, make: Callable[[Path], object]) -> Callable[[], Awaitable[Path]]:
    """The page's folder: one that is there, or made in another thread, once, from the first request on.

    Args:
        folder: that `vqcodec web` has written; None: it is to be made.
        make: writes the page into a folder.
    """
    made: asyncio.Task[Path] | None = None

    async def write() -> Path:
        target = Path(await asyncio.to_thread(_new_folder)) / "page"
        await asyncio.to_thread(make, target)
        return target

    async def page() -> Path:
        nonlocal made
        if folder is not None:
            return folder
        if made is None:
            made = asyncio.create_task(write())
        return await asyncio.shield(made)

    return page


def _new_folder() -> str:
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="vqcodec-live-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
