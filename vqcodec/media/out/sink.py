"""A video file written frame by frame: H.264 and AAC or Opus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from vqcodec.errors import MediaError, UsageError
from vqcodec.media.faults import media_faults
from vqcodec.media.out.atomic import open_pipe
from vqcodec.media.out.pending import PendingFile
from vqcodec.media.out.targets import check_output, is_file_name
from vqcodec.media.out.tracks import OpusTrack, PcmTrack, SoundTrack
from vqcodec.media.out.video_track import MuxedPacket, VideoTrack
from vqcodec.media.pipes import FileWriter, GuardedWriter
from vqcodec.types import AudioHead, FileLike

# Name -> libav's muxer, video encoder, sound encoder.
_CONTAINERS = {
    "mp4": ("mp4", "libx264", "aac"),
    "m4v": ("mp4", "libx264", "aac"),
    "mov": ("mov", "libx264", "aac"),
    "mkv": ("matroska", "libx264", "aac"),
    "webm": ("webm", "libvpx-vp9", "libopus"),
}
VIDEO_SUFFIXES = tuple(f".{name}" for name in _CONTAINERS)
_SOUND_BPS = {"aac": 64000, "libopus": 32000}
# A file gets its index at the front, as web players want it. A pipe gets fragments, whose header waits for the first
# packets (delay_moov): only then does it tell of AAC's priming, without which the sound would be 21 ms late.
_FILE_FLAGS = "+faststart"
_PIPE_OPTIONS = {
    "movflags": "+frag_keyframe+empty_moov+default_base_moof+delay_moov",
    "frag_duration": "500000",  # microseconds: who watches a pipe waits no longer for what is ready
}


class VideoSink:
    """Writes pictures and sound to .mp4, .mov, .mkv or .webm. A context manager: leaving it closes, an exception aborts.

        with VideoSink("out.mp4", width=512, height=512, frame_rate_hz=head.frame_rate_hz,
                       time_base_s=head.time_base_s, channels=1) as sink:
            sink.write_frame(rgb, time_s)
            sink.write_audio(samples)                   # 48 kHz int16, contiguous from time zero

    The file takes its name only on close() (see `atomic.atomic_output`). "-" and file objects get fragmented MP4, which a
    player can read while it is being written.

    Video is H.264, yuv420p, BT.709 limited range, converted and tagged alike (.webm: VP9). Sound is AAC (64 kbit/s per
    channel; .webm: Opus), or the Opus packets given, unchanged, when `opus` is set. AAC is the default in MP4 because
    everything plays it; Opus in MP4 isn't played by older QuickTime and Windows players.

    Times are exact in MP4 and MOV unless a tick is below a ten millionth of a second; Matroska and WebM round them to
    milliseconds.

    Video and sound may come in any interleaving within about 10 s of each other.
    """

    def __init__(
        self,
        target: FileLike,
        *,
        width: int,
        height: int,
        frame_rate_hz: Fraction,
        time_base_s: Fraction | None = None,
        channels: int = 0,
        opus: AudioHead | None = None,
        container: str | None = None,
        crf: int = 18,
        preset: str = "veryfast",
        threads: int = 2,
        audio_bps: int | None = None,
        force: bool = False,
        comment: str = "",
    ) -> None:
        """Open the output.

        Args:
            target: path, "-" or a binary file object.
            width: of the pictures; an odd size is written one pixel larger, the edge repeated.
            height: likewise.
            frame_rate_hz: nominal rate, for players.
            time_base_s: tick that all frame times are multiples of; by default 1 / frame_rate_hz.
            channels: of the samples for write_audio: 0 (no sound), 1 or 2.
            opus: head of the packets for write_packets; instead of `channels`. Not in .mov.
            container: "mp4", "mov", "mkv" or "webm"; by default from the extension, mp4 for "-" and file objects.
            crf: 0 (best) to 51.
            preset: of x264.
            threads: of the video encoder.
            audio_bps: bit rate of the AAC (or, in .webm, Opus) sound.
            force: replace an existing file.
            comment: a sentence for the file's metadata (the "comment" tag); "" for none.

        Raises:
            OutputExistsError: the file exists and force is false.
            MediaError: it can't be created.
            UsageError: an argument out of range or an extension that isn't known.
        """
        if width < 1 or height < 1 or frame_rate_hz <= 0 or not 0 <= crf <= 51 or threads < 1:
            raise UsageError(
                f"a video of {width}x{height}, {frame_rate_hz} Hz, crf {crf}, {threads} threads"
            )
        self._muxer, video, sound = _CONTAINERS[_container_name(target, container)]
        _check_sound(channels, opus, self._muxer)
        check_output(target, force=force)
        self._name = (
            str(getattr(target, "name", "<stream>"))
            if hasattr(target, "write")
            else os.fspath(target)
        )
        self._stack = ExitStack()
        self._guard: GuardedWriter | None = None
        self._pending: PendingFile | None = None
        self._done = False
        tick_s = time_base_s if time_base_s is not None else 1 / Fraction(frame_rate_hz)
        try:
            with media_faults(self._name, "write"):
                self._container = self._open(target, force)
                if comment:
                    self._container.metadata["comment"] = comment
                self._video = VideoTrack(
                    self._container,
                    video,
                    (width, height),
                    Fraction(frame_rate_hz),
                    tick_s,
                    crf,
                    preset,
                    threads,
                )
                bps = audio_bps or channels * _SOUND_BPS[sound]
                self._sound = _sound_track(self._container, sound, channels, bps, opus)
        except BaseException:
            self.abort()
            raise

    def _open(self, target: FileLike, force: bool) -> OutputContainer:
        if is_file_name(target):
            self._pending = PendingFile(target, force=force)  # type: ignore[arg-type]
            options = {"movflags": _FILE_FLAGS} if self._muxer in ("mp4", "mov") else {}
            # by its descriptor, not its name, which may be another file's by now
            self._guard = writer = FileWriter(self._pending.file)
            return av.open(
                writer,
                "w",
                format=self._muxer,
                container_options=options,
                io_open=writer.reader,
            )
        stream: AbstractContextManager[BinaryIO] = open_pipe(target)
        self._guard = GuardedWriter(self._stack.enter_context(stream))
        options = _PIPE_OPTIONS if self._muxer in ("mp4", "mov") else {}
        return av.open(self._guard, "w", format=self._muxer, container_options=options)

    def write_frame(self, rgb: NDArray[np.uint8], time_s: Fraction) -> None:
        """Add a picture (height, width, 3) shown from `time_s` >= 0, later than the one before.

        Raises:
            UsageError: another size, or time not increasing or not a multiple of time_base_s.
            MediaError: the file can't be written (disk full, pipe closed).
        """
        with media_faults(self._name, "write"):
            self._mux(self._video.encode(rgb, time_s))

    def hold(self, until_s: Fraction) -> None:
        """Show the latest picture until a time; without this it lasts as long as the frame rate says."""
        with media_faults(self._name, "write"):
            self._mux(self._video.hold(until_s))

    def write_audio(self, samples: NDArray[np.int16]) -> None:
        """Add the next (n, channels) or (n,) samples at 48 kHz; the first one ever is at time zero."""
        with media_faults(self._name, "write"):
            self._mux(self._has_sound().samples(samples))

    def write_packets(self, packets: Sequence[bytes], end_trim_samples: int = 0) -> None:
        """Add the next Opus packets, unchanged; the first of all begins pre_skip samples before time zero.

        Args:
            packets: in order.
            end_trim_samples: not 0 only with the stream's last packets: samples of the last one that aren't heard.
        """
        with media_faults(self._name, "write"):
            self._mux(self._has_sound().packets(packets, end_trim_samples))

    def _has_sound(self) -> SoundTrack:
        if self._sound is None:
            raise UsageError(
                "sound for a file opened without", hint="open it with channels= or opus="
            )
        return self._sound

    def _mux(self, packets: list[MuxedPacket]) -> None:
        if self._done:
            raise UsageError(f"{self._name} is closed")
        try:
            for packet in packets:
                self._container.mux(packet)
        finally:
            if self._guard is not None:
                self._guard.check()

    def close(self) -> None:
        """Finish the file and give it its name. A second call does nothing. Raises MediaError; then nothing is left."""
        if self._done:
            return
        try:
            with media_faults(self._name, "finish"):
                if self._video.empty:
                    raise MediaError(f"no picture was written to {self._name}")
                self._mux(self._video.flush())
                self._mux(self._sound.flush() if self._sound is not None else [])
                self._done = True
                try:
                    self._container.close()
                finally:
                    if self._guard is not None:
                        self._guard.check()
                self._stack.close()
                if self._pending is not None:
                    self._pending.commit()
        except BaseException:
            self._done = False
            self.abort()
            raise

    def abort(self) -> None:
        """Give up: nothing is left of the file (what went to a pipe can't be taken back). After close() does nothing."""
        if self._done:
            return
        self._done = True
        try:
            container = getattr(self, "_container", None)
            if container is not None:
                container.close()
            self._stack.close()
        except Exception:
            pass  # what made us give up is the error to tell of
        finally:
            if self._pending is not None:
                self._pending.discard()

    def __enter__(self) -> VideoSink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def _check_sound(channels: int, opus: AudioHead | None, muxer: str) -> None:
    if channels not in (0, 1, 2) or (channels and opus is not None):
        raise UsageError(f"{channels} audio channels", hint="give channels 0, 1 or 2, or opus")
    if opus is not None and muxer == "mov":
        raise UsageError(
            "Opus sound can't be put in .mov", hint="write .mp4 or .mkv, or give samples"
        )


def _sound_track(
    container: OutputContainer, codec: str, channels: int, bit_rate: int, opus: AudioHead | None
) -> SoundTrack | None:
    if opus is not None:
        return OpusTrack(container, opus)
    return PcmTrack(container, codec, channels, bit_rate) if channels else None


def _container_name(target: FileLike, container: str | None) -> str:
    name = container
    if name is None:
        suffix = (
            Path(target).suffix
            if isinstance(target, str | os.PathLike) and is_file_name(target)
            else ""
        )
        name = suffix.lstrip(".").lower() or "mp4"
    if name not in _CONTAINERS:
        raise UsageError(
            f"cannot write .{name} files",
            hint=f"use {', '.join('.' + known for known in _CONTAINERS)}",
        )
    return name
