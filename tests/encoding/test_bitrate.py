"""`--bitrate`: the best form of a file that fits, or the smallest one that there is."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.encoded import coded, stream
from tests.support.pipeline import encoder_parts, write_swaying
from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.encoding.bitrate import FittedFile, Trial
from vqcodec.encoding.ladder import LAST_STEP, setting_at
from vqcodec.encoding.pipeline import encode
from vqcodec.encoding.settings import Setting, crf_of, quality_of
from vqcodec.errors import UsageError
from vqcodec.reports import EncodeReport
from vqcodec.types import StreamSizes

SECONDS = 2.4


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames, 96x96, 25 per second, with a tone."""
    return write_swaying(tmp_path_factory.mktemp("clip") / "clip.mp4", 60, sound=True)


def fitted(clip: Path, options: EncodeOptions) -> tuple[float, EncodeReport]:
    """Kilobits in a second, and the report."""
    sink = io.BytesIO()
    report = encode(clip, sink, options, parts=encoder_parts())
    stream(sink.getvalue())
    return len(sink.getvalue()) * 8 / SECONDS / 1000, report


def test_bitrate_is_kept_and_used(clip: Path) -> None:
    found = []
    for target_kbps in (10, 13, 16, 19):
        rate_kbps, report = fitted(clip, EncodeOptions(bitrate_kbps=target_kbps))
        assert 0.95 * target_kbps <= rate_kbps <= target_kbps
        assert report.sizes.frames == 60 and report.warnings == ()
        found.append(report)
    qualities = [report.portrait_quality for report in found]
    assert qualities[0] < qualities[-1] and found[0].sizes.audio < found[-1].sizes.audio
    layers = [report.layers for report in found]
    assert layers == sorted(layers)


def test_without_sound_all_goes_into_pictures(clip: Path) -> None:
    rate_kbps, report = fitted(
        clip, EncodeOptions(bitrate_kbps=6, audio=AudioChoice("none"), rdo=1)
    )
    assert 0.95 * 6 <= rate_kbps <= 6 and report.sizes.audio == 0


def test_more_than_the_best_takes_is_not_spent(clip: Path) -> None:
    rich_kbps, rich = fitted(clip, EncodeOptions(bitrate_kbps=1000))
    assert rich_kbps < 100 and (rich.layers, rich.portrait_quality) == (4, 100)
    assert fitted(clip, EncodeOptions(bitrate_kbps=500))[0] == rich_kbps


def test_the_callers_limits_hold(clip: Path) -> None:
    options = EncodeOptions(
        bitrate_kbps=1000,
        layers=2,
        portrait_quality=40,
        refs=1,
        audio=AudioChoice("opus", 8_000),
    )
    _, report = fitted(clip, options)
    assert (report.layers, report.portrait_quality, report.key_frames) == (2, 40, 1)
    free = fitted(clip, EncodeOptions(bitrate_kbps=1000))[1]
    assert report.sizes.audio < 0.6 * free.sizes.audio


def test_a_price_of_the_callers_own_stays(clip: Path) -> None:
    dear, cheap = (fitted(clip, EncodeOptions(bitrate_kbps=1000, rdo=rdo))[1] for rdo in (4.0, 0.0))
    assert dear.sizes.motion < cheap.sizes.motion


def test_same_input_same_bytes(clip: Path) -> None:
    options = EncodeOptions(bitrate_kbps=14)
    assert coded(clip, options) == coded(clip, options)


def test_an_impossible_bitrate_names_the_smallest(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"smallest form takes (\d+\.\d) kbit/s") as caught:
        encode(clip, tmp_path / "out.vqt", EncodeOptions(bitrate_kbps=1), parts=encoder_parts())
    assert not list(tmp_path.iterdir())
    smallest = float(caught.value.hint.rsplit("--bitrate ", 1)[1].split(" ")[0])
    assert coded(clip, EncodeOptions(bitrate_kbps=smallest))


class SizedTrial(Trial):
    """As large as its CRF says: 8 kbit/s at CRF 50, 5 % more for each below."""

    def kbps(self, portrait_ratio: float = 1.0) -> float:
        return 8 * 1.05 ** (50 - self.setting.crf)


class Sized(FittedFile):
    """Makes no files, only their sizes."""

    def __init__(self, options: EncodeOptions) -> None:
        assert options.bitrate_kbps is not None
        self._options, self._target_kbps = options, options.bitrate_kbps

    def _trial(self, setting: Setting, preset: int) -> Trial:
        return SizedTrial(setting, b"", None, StreamSizes(), 1)  # type: ignore[arg-type]

    def crf(self, start: int) -> int:
        """What becomes of a setting of this CRF."""
        setting = replace(setting_at(LAST_STEP, EncodeOptions()), crf=start)
        return self._sharpened(self._trial(setting, 0)).setting.crf


def test_portraits_get_sharper_where_another_one_is_too_much() -> None:
    assert Sized(EncodeOptions(bitrate_kbps=9)).crf(50) == 48, "47 takes 9.3"
    assert Sized(EncodeOptions(bitrate_kbps=8.1)).crf(50) == 50, "it is full"
    assert Sized(EncodeOptions(bitrate_kbps=100)).crf(50) == 46, "four steps are enough"
    quality = quality_of(49)
    assert Sized(EncodeOptions(bitrate_kbps=100, portrait_quality=quality)).crf(50) == crf_of(
        quality
    )
