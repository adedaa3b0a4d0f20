"""Clips to dub: portrait, real motion and sound of each, and whose sound it gets where the sound must not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DEFAULT_PORTRAIT_QUALITY
from vqcodec.encoding.features import motion_features
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import NoFaceError, UsageError
from vqcodec.face.shots import FaceFrame, face_frames
from vqcodec.format import AUDIO_RATE_HZ, CODED_SIZE_PX, to_indices
from vqcodec.lab.faces.crossid import pairs
from vqcodec.media.items import AudioBlock
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.sound.source import SpeechResampler
from vqcodec.media.still.stills import decode_still, encode_avif
from vqcodec.quantize.grfsq import dequantize, quantize, stored_features
from vqcodec.types import VideoFrame

FRAME_RATE_HZ = Fraction(25)
FRAME_SAMPLES = AUDIO_RATE_HZ // 25

Pcm = NDArray[np.int16]
Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DubClip:
    """A real clip of T frames at 25 a second, ready to be compared with dubs of itself.

    Attributes:
        path: the clip.
        still: (512, 512, 3) uint8, the first frame with a face as the decoder has it: whole picture, coded as AVIF.
        features: (48,) float32, the portrait's own motion features f_s as the decoder has them.
        portrait_points: (478, 2) float32, its landmarks in 0..1.
        points: (T, 478, 2) float32 landmarks in 0..1; the last ones held where no face is seen, the first ones before any is.
        seen: (T,) bool, whether there is a face.
        tokens: (T, 12, 4) uint16, the real motion as the codec would code it.
        pcm: (1920 T,) int16, the sound at 48 kHz, cut or filled with silence to the frames.
    """

    path: Path
    still: NDArray[np.uint8]
    features: Features
    portrait_points: Features
    points: Features
    seen: NDArray[np.bool_]
    tokens: NDArray[np.uint16]
    pcm: Pcm

    @property
    def frames(self) -> int:
        """T."""
        return len(self.points)

    @property
    def real_points(self) -> list[Features | None]:
        """Landmarks of each frame in 0..1, None without a face."""
        return [
            points if seen else None for points, seen in zip(self.points, self.seen, strict=True)
        ]


def _held(values: Sequence[Features | None]) -> Features:
    """(T, ...) with the last value repeated where there is none, and the first one before it."""
    last = next(v for v in values if v is not None)
    filled = []
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return np.stack(filled)


def read_clip(
    path: Path, parts: EncoderParts, *, quality: int = DEFAULT_PORTRAIT_QUALITY
) -> DubClip:
    """Track a clip as the encoder does (portrait = first frame with a face, whole picture), with its sound.

    Args:
        path: a video of one shot at 25 frames a second, with sound.
        parts: models of an encode.
        quality: of the portrait's AVIF.

    Raises:
        MediaError: it can't be read.
        UsageError: another frame rate, or no sound.
        NoFaceError: no frame shows a face.
    """
    sound: list[Pcm] = []
    with VideoSource(str(path), sound="decode") as video, parts.detector() as detector:
        if video.frame_rate_hz != FRAME_RATE_HZ or not video.has_audio:
            raise UsageError(
                f"{path.name} has {float(video.frame_rate_hz):g} frames a second and "
                f"{'' if video.has_audio else 'no '}sound",
                hint="A clip to dub needs 25 a second, and sound.",
            )

        def pictures() -> Iterator[VideoFrame]:
            for item in video.items():
                if isinstance(item, VideoFrame):
                    yield item
                elif isinstance(item, AudioBlock):
                    sound.append(item.samples[:, 0])

        coded = motion_features(face_frames(pictures(), detector, "full"), parts.space)
        found = [item for item in coded if isinstance(item, tuple)]
    first = next((pair for pair in found if pair[1] is not None), None)
    if first is None:
        raise NoFaceError(f"no face in {path.name}", hint="Leave this clip out.")
    pcm = np.concatenate([np.zeros(0, np.int16), *sound])
    return _made(
        path, found, first, looped(pcm, len(found), loop=False), parts.space.units, quality
    )


def _made(
    path: Path,
    found: Sequence[tuple[FaceFrame, Features | None]],
    first: tuple[FaceFrame, Features | None],
    pcm: Pcm,
    units: Features,
    quality: int,
) -> DubClip:
    frame, features = first
    assert frame.face is not None and features is not None
    own = dequantize(stored_features(features, units), units)
    tokens = to_indices(quantize(_held([f for _, f in found]) - own, units))
    points = [None if f.face is None else f.face.points for f, _ in found]
    still = decode_still(encode_avif(frame.face.square, quality=quality), size_px=CODED_SIZE_PX)
    return DubClip(
        path,
        still,
        own,
        frame.face.points,
        _held(points),
        np.array([p is not None for p in points]),
        tokens,
        pcm,
    )


def looped(pcm: Pcm, frames: int, *, loop: bool = True) -> Pcm:
    """Sound for so many frames: repeated from its start where it is too short, or followed by silence.

    Args:
        pcm: (N,) int16 at 48 kHz.
        frames: at 25 a second.
        loop: repeat it; False fills with silence.
    """
    count = frames * FRAME_SAMPLES
    if loop and len(pcm):
        return np.resize(pcm, count)
    return np.concatenate([pcm[:count], np.zeros(max(count - len(pcm), 0), np.int16)])


def speech_samples(pcm: Pcm) -> NDArray[np.float32]:
    """(N,) int16 at 48 kHz -> (ceil(N / 3),) float32 at 16 kHz in -1..1, as `vqcodec dub` hears it."""
    if not len(pcm):
        return np.zeros(0, np.float32)
    resampler = SpeechResampler()
    return np.concatenate([resampler.push(pcm), resampler.flush()])


def other_sound(clips: Sequence[Path]) -> dict[Path, Path]:
    """Whose sound each clip gets in the shuffled measure: a fixed circle without anybody's own, the same for the same clips.

    Raises:
        UsageError: fewer than two clips.
    """
    return {picture: sound for sound, picture in pairs(clips)}


def read_pcm(path: Path) -> Pcm:
    """(N,) int16, the sound of a video at 48 kHz, on the picture's clock.

    Raises:
        MediaError: it can't be read.
    """
    with VideoSource(str(path), sound="decode") as video:
        blocks = [item.samples[:, 0] for item in video.items() if isinstance(item, AudioBlock)]
    return np.concatenate([np.zeros(0, np.int16), *blocks])
