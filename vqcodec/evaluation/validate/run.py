"""Measure the codec on validation clips, file to file, as a user runs it.

Each clip is encoded by the public interface (one portrait, the first frame, as in papers; the whole picture) and decoded to a
video, and that is measured against the clip, beside the same figures of the first frame repeated. The results are JSON
(`record.py`) and a table (`table.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vqcodec.config import Device
from vqcodec.errors import MediaError, UsageError, VqcodecError
from vqcodec.evaluation.metrics.scores import Scores
from vqcodec.evaluation.metrics.suite import ReferenceFrames, Suite, still
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import check_names, clip_name
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.tools.sheets import contact_sheet
from vqcodec.evaluation.validate.record import ClipResult, Run, ValidationResults
from vqcodec.evaluation.validate.roundtrip import MeasuredCodec, round_trip
from vqcodec.evaluation.validate.steady import Camera, camera
from vqcodec.format import LAYERS
from vqcodec.media.picture.formats import VIDEO_SUFFIXES
from vqcodec.media.system import system_faults

Tick = Callable[[str], None]


def validation_clips(data: Path, count: int | None = None) -> list[Path]:
    """Videos of `data`/val, or of `data` itself where there is no such folder, by name.

    Args:
        data: folder of the corpus.
        count: take so many, spread evenly over the list; None takes all.

    Raises:
        MediaError: there is none, or no such folder.
        UsageError: count is below 1.
    """
    folder = data / "val" if (data / "val").is_dir() else data
    with system_faults(folder, "read"):
        clips = sorted(p for p in folder.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES)
    if not clips:
        raise MediaError(
            f"no videos in {folder}", hint="Pass --data with the corpus folder (it holds val/)."
        )
    if count is None or count >= len(clips):
        return clips
    if count < 1:
        raise UsageError(f"{count} clips is not a number to measure")
    return [clips[i * len(clips) // count] for i in range(count)]


class Validation:
    """Runs clips through a codec and collects results.

    Args:
        suite: the figures.
        layers: numbers of residual layers to measure.
        folder: for the coded and decoded files.
        codec: what to measure; the public interface by default.
        sheets: folder for a contact sheet per clip and number of layers, or None.
        device: where networks run.
    """

    def __init__(
        self,
        suite: Suite,
        layers: Sequence[int],
        folder: Path,
        *,
        codec: MeasuredCodec | None = None,
        sheets: Path | None = None,
        device: Device = "auto",
    ) -> None:
        self._suite, self._layers, self._folder = suite, tuple(layers), folder
        self._codec, self._sheets, self._device = codec, sheets, device
        self._still: dict[str, Scores] = {}
        self._camera: dict[str, Camera] = {}
        self._results: dict[int, list[ClipResult]] = {n: [] for n in layers}
        self._failed: dict[str, str] = {}
        self._models: dict[str, str] = {}

    def run(self, clips: Sequence[Path], tick: Tick = lambda name: None) -> ValidationResults:
        """Measure all clips. A clip that can't be coded is noted and left out.

        Args:
            clips: videos.
            tick: called with the clip's name before each.

        Raises:
            UsageError: two clips have the same name; before anything is coded.
            MediaError: no clip could be coded.
        """
        check_names(clips)
        found = conditions(face_every=self._suite.face_every)
        for clip in clips:
            tick(clip_name(clip))
            try:
                self._clip(clip)
            except VqcodecError as error:
                self._failed[clip_name(clip)] = f"{type(error).__name__}: {error}"
        runs = tuple(Run(n, tuple(done)) for n, done in self._results.items() if done)
        if not runs:
            raise MediaError(
                f"no clip could be coded: {next(iter(self._failed.values()), 'there was none')}"
            )
        return ValidationResults(
            found | self._models, self._still, runs, self._failed, self._camera
        )

    def _clip(self, clip: Path) -> None:
        reference = self._suite.reference(read_frames(clip))
        done = [self._once(clip, layers, reference) for layers in self._layers]
        self._still[clip_name(clip)] = self._suite.measure(
            reference, still(reference.frames)
        ).mean()
        self._camera[clip_name(clip)] = camera(reference.frames)
        for result, layers in zip(done, self._layers, strict=True):
            self._results[layers].append(result)

    def _once(self, clip: Path, layers: int, reference: ReferenceFrames) -> ClipResult:
        trip = round_trip(clip, self._folder, layers=layers, codec=self._codec, device=self._device)
        decoded = read_frames(trip.decoded)
        report, frames = trip.report, len(reference.frames)
        self._models = {"motion_space": str(report.motion_space), "renderer": str(report.renderer)}
        if self._sheets is not None:
            self._sheets.mkdir(parents=True, exist_ok=True)
            contact_sheet(
                clip,
                trip.decoded,
                self._sheets / f"{trip.decoded.stem}.png",
                crop=report.crop,
                force=True,
            )
        return ClipResult(
            clip=clip_name(clip),
            frames=frames,
            frames_decoded=len(decoded),
            seconds=float(report.sizes.seconds),
            portrait_bytes=report.sizes.portrait,
            key_frames=report.key_frames,
            rates=trip.rates,
            encode_fps=frames / trip.encode_s,
            decode_fps=len(decoded) / trip.decode_s,
            tokens_identical=trip.tokens_identical,
            scores=self._suite.measure(reference, decoded).mean(),
        )


@contextmanager
def coded_folder(keep: Path | None) -> Iterator[Path]:
    """Folder for coded files: `keep`, made if need be, or a temporary one that goes away."""
    if keep is not None:
        with system_faults(keep, "make the folder"):
            keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="vqcodec-validate-") as name:
        yield Path(name)


def parse_layers(text: str) -> tuple[int, ...]:
    """Read "4" or "1,2,3,4".

    Raises:
        UsageError: not numbers 1..4.
    """
    try:
        layers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{text!r} is not a list of layers", hint="Write 4 or 1,2,3,4.") from error
    if not all(1 <= n <= LAYERS for n in layers) or len(set(layers)) != len(layers):
        raise UsageError(
            f"layers {text} are not different numbers 1..{LAYERS}", hint="Write 4 or 1,2,3,4."
        )
    return layers
