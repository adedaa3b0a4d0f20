"""The codec as an object: models loaded once, then as many calls as wanted, from as many threads as wanted.

    codec = vqcodec.Codec(device="cuda")
    report = codec.encode("talk.mp4", "talk.vqt")      # files to files
    data = codec.encode(video_bytes).data              # bytes to bytes

Sources are paths, "-", bytes, or binary file objects; targets the same but bytes: a target of None puts the file's bytes
into the report's `data`. A path appears only when it is complete.

Progress: a callback takes ProgressEvents, in the thread that called, several times a second. An exception that it raises
ends the call as Ctrl-C does: stages are stopped, no file is left. With asyncio: vqcodec.progress.
"""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec import look
from vqcodec.codec.files import Source, filed, is_stream, readable
from vqcodec.codec.models import Models
from vqcodec.codec.named import chosen
from vqcodec.codec.opened import OpenStream
from vqcodec.codec.portraits import DEFAULT_STILL_QUALITY, CodedPortrait
from vqcodec.codec.tokens import TokenSequence
from vqcodec.config import (
    DEFAULT_BATCH_FRAMES,
    DEFAULT_CRF,
    Backend,
    DecodeOptions,
    Device,
    DubOptions,
    EncodeOptions,
    Precision,
    RuntimeOptions,
)
from vqcodec.errors import UsageError
from vqcodec.format import CODED_SIZE_PX
from vqcodec.progress import Progress, silent
from vqcodec.reports import DecodeReport, DubReport, EncodeReport
from vqcodec.types import FileLike, VideoFrame

if TYPE_CHECKING:
    from vqcodec.media.picture.frames import Frames


class Codec:
    """Encodes, decodes and dubs with models that are loaded when first needed, and once.

    One Codec may be used by several threads at the same time: results are those of one call after the other.

    Args:
        device: where networks run; auto takes CUDA where there is one.
        precision: of the renderer: auto, fp32, bf16 or fp16 (CUDA only).
        threads: torch's, for the whole process, from the first loading on; None leaves them.
        batch_frames: frames rendered at once, 1..256; at least 32 on CUDA.
        face_model: path of face_landmarker.task; None finds the installed one.
        backend: the library that runs the renderer's network for pictures: auto, torch or openvino (extra `fast`, CPU only).
    """

    def __init__(
        self,
        *,
        device: Device = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
        batch_frames: int = DEFAULT_BATCH_FRAMES,
        face_model: Path | None = None,
        backend: Backend = "auto",
    ) -> None:
        self.runtime = RuntimeOptions(
            device=device,
            precision=precision,
            threads=threads,
            batch_frames=batch_frames,
            face_model=face_model,
            backend=backend,
        )
        self._models = Models(self.runtime)

    def encode(
        self,
        source: Source | Frames,
        target: FileLike | None = None,
        options: EncodeOptions | None = None,
        *,
        force: bool = False,
        progress: Progress = silent,
        **named: Any,
    ) -> EncodeReport:
        """Code a video of a talking person as .vqt.

        Args:
            source: a video, or Frames that are in memory; read once, front to back.
            target: where the .vqt goes; None puts it into the report's `data`.
            options: see EncodeOptions.
            **named: its fields by keyword; they replace those of `options`.
            force: replace an existing file.
            progress: called in this thread; see the module's text.

        Raises:
            OutputExistsError: `target` exists and `force` is false; before anything is read.
            MediaError, ModelError: `source` can't be read, `target` can't be written; a model is missing.
            NoFaceError: no frame shows a face; nothing is written.
            UsageError: options that this input can't have, a bit rate out of reach among them.
        """
        from vqcodec.encoding import pipeline
        from vqcodec.media.picture.frames import Frames

        return filed(
            target,
            lambda sink: pipeline.encode(
                source if isinstance(source, Frames) else readable(source),
                sink,
                chosen(EncodeOptions, options, named),
                force=force,
                progress=progress,
                parts=self._models.encoder,
            ),
        )

    def decode(
        self,
        source: Source,
        target: FileLike | None = None,
        options: DecodeOptions | None = None,
        *,
        crf: int = DEFAULT_CRF,
        force: bool = False,
        progress: Progress = silent,
        **named: Any,
    ) -> DecodeReport:
        """Render a .vqt stream to a video file with its sound.

        Args:
            source: a .vqt stream.
            target: where the video goes, in the container of its suffix; None puts an MP4 into the report's `data`.
            options: see DecodeOptions.
            **named: its fields by keyword; they replace those of `options`.
            crf: H.264 quality, 0 (best) .. 51.
            force: replace an existing file.
            progress: called in this thread; see the module's text.

        Raises:
            OutputExistsError: `target` exists and `force` is false; before anything is read.
            BitstreamError: the stream is damaged; with options.recover, nothing of it can be shown.
            UnsupportedError, ModelError: it needs a newer decoder or another motion space; a model file is missing or changed.
            NoFaceError: options.portrait shows no face.
            MediaError: a file can't be read or written.
            UsageError: nothing lies between options.start_s and options.end_s, or `crf` is out of range.
        """
        from vqcodec.decoding import pipeline

        return filed(
            target,
            lambda sink: pipeline.decode(
                readable(source),
                sink,
                chosen(DecodeOptions, options, named),
                crf=crf,
                force=force,
                progress=progress,
                parts=self._models.decoder,
            ),
        )

    def dub(
        self,
        speech: Source,
        portrait: Source,
        target: FileLike | None = None,
        options: DubOptions | None = None,
        *,
        crf: int = DEFAULT_CRF,
        force: bool = False,
        progress: Progress = silent,
        **named: Any,
    ) -> DubReport:
        """Make a talking head from a sound and a picture.

        Args:
            speech: a sound file, or a video whose sound is taken; read once.
            portrait: a picture of one person.
            target: .vqt or video by its suffix; "-" and file objects get .vqt; None puts a .vqt into the report's `data`.
            options: see DubOptions.
            **named: its fields by keyword; they replace those of `options`.
            crf: H.264 quality of a video, 0 (best) .. 51.
            force: replace an existing file.
            progress: called in this thread; see the module's text.

        Raises:
            OutputExistsError: `target` exists and `force` is false; before anything is read.
            MediaError, ModelError: a file can't be read or written, has no sound, or isn't a picture; a model is missing.
            NoFaceError: the portrait, or options.poses, shows no face; or the portrait's is tiny, or seen from the side.
            BitstreamError, UnsupportedError: options.poses is a .vqt that is damaged, or needs a motion space that isn't here.
            UsageError: options that this target can't have, or more than four hours of sound.
        """
        from vqcodec.dubbing import pipeline

        return filed(
            target,
            lambda sink: pipeline.dub(
                readable(speech),
                readable(portrait),
                sink,
                chosen(DubOptions, options, named),
                crf=crf,
                force=force,
                progress=progress,
                parts=self._models.dub,
            ),
        )

    def tokens(
        self,
        source: Source | Frames,
        options: EncodeOptions | None = None,
        *,
        progress: Progress = silent,
        **named: Any,
    ) -> TokenSequence:
        """Tokens and portraits of a video, of Frames, or of a .vqt stream.

        Args:
            source: a .vqt stream is read (`options` don't matter then), anything else encoded.
            options: see EncodeOptions.
            **named: its fields by keyword; they replace those of `options`.
            progress: called in this thread.

        Raises:
            VqcodecError: as `encode`, or as reading a stream.
        """
        if is_stream(source):
            return TokenSequence.read(cast(Source, source))
        report = self.encode(source, None, options, progress=progress, **named)
        return TokenSequence.read(report.data or b"")

    def portrait(
        self, picture: Source | NDArray[np.uint8], *, quality: int = DEFAULT_STILL_QUALITY
    ) -> CodedPortrait:
        """The largest face of a picture, cut out and measured, for TokenSequence.of and `render`.

        Args:
            picture: a picture file, or (H, W, 3) uint8 RGB.
            quality: AVIF quality, 1..100.

        Raises:
            NoFaceError, MediaError: it shows none, or a tiny one; it can't be read.
        """
        from vqcodec.codec.measure import measured_portrait

        return measured_portrait(picture, self._models.plain(), quality)

    def render(
        self,
        tokens: TokenSequence | NDArray[np.uint16],
        portrait: CodedPortrait | None = None,
        *,
        size_px: int = CODED_SIZE_PX,
    ) -> NDArray[np.uint8]:
        """Pictures of tokens: (T, size, size, 3) uint8, those that decoding the written stream shows.

        Args:
            tokens: a TokenSequence with its portraits, or (T, 12, layers) tokens of `TokenSequence.of`.
            portrait: what bare tokens move.
            size_px: side of the pictures, 256 or 512.

        Raises:
            UsageError: bare tokens without a portrait, or out of range.
            UnsupportedError, ModelError: their motion space isn't here.
        """
        if not isinstance(tokens, TokenSequence):
            if portrait is None:
                raise UsageError("tokens need a portrait", hint="Codec.portrait makes one.")
            tokens = TokenSequence.of(tokens, portrait)
        return np.stack([frame.rgb for frame in self.render_frames(tokens, size_px=size_px)])

    def render_frames(
        self, tokens: TokenSequence, *, size_px: int = CODED_SIZE_PX
    ) -> Generator[VideoFrame, None, None]:
        """The same one after the other, with times: memory doesn't grow with their number."""
        from vqcodec.decoding.pipeline import decode_frames

        stream = replace(tokens, sound=(), head=replace(tokens.head, audio=None)).to_bytes()
        options = DecodeOptions(size_px=size_px)
        return decode_frames(io.BytesIO(stream), options, parts=self._models.decoder)

    def open(self, source: Source) -> OpenStream:
        """Open a .vqt stream to look at its parts or render its frames; see vqcodec.open."""
        return OpenStream(source, self._models.decoder)

    def info(self, source: Source) -> dict[str, Any]:
        """What a .vqt stream says about itself; see vqcodec.info."""
        return look.info(source)
