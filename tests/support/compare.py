"""A made-up comparison: curves known in closed form, and tiny drawn videos."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from vqcodec.comparison.page import report, sheet, videos
from vqcodec.comparison.results import Amount, CodedPoint, ComparedClip, ComparisonResults
from vqcodec.media.out.sink import VideoSink

RATES = (5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0)
METRICS = {
    "perc": {
        "title": "perceptual distance",
        "unit": "",
        "better": "lower",
        "source": "EfficientNet-Lite0 features",
    },
    "ssim": {"title": "SSIM", "unit": "", "better": "higher", "source": "Wang et al. 2004"},
    "vmaf": {"title": "VMAF", "unit": "", "better": "higher", "source": "Netflix, vmaf_v0.6.1"},
    "lmd": {
        "title": "landmark distance",
        "unit": "of the eyes' distance",
        "better": "lower",
        "source": "MediaPipe",
    },
    "jitter": {"title": "jitter", "unit": "", "better": "one", "source": "landmark steps"},
}
Formula = Callable[[float], float]


def amount(value: float) -> Amount:
    """Payload a little less than the file; sound 6 more."""
    return Amount(value * 0.97, value, value * 0.97 + 6, value + 6)


def point(
    codec: str,
    kbps: float,
    mean: dict[str, float | None],
    *,
    variant: str = "512",
    matched: bool = False,
    seconds: float = 2.0,
    setting: str = "",
) -> CodedPoint:
    """A point of a made-up clip."""
    return CodedPoint(
        codec,
        variant,
        512,
        1,
        setting or f"crf {round(60 - 8 * math.log(kbps))}",
        kbps,
        amount(round(kbps * 125 * seconds)),
        amount(kbps),
        12.5,
        80.25,
        mean,
        {"numbers": [0, 1], "ssim": [0.91234567, 0.9]},
        matched,
    )


def ladder(
    codec: str, metric: str, formula: Formula, rates: Sequence[float] = RATES
) -> tuple[CodedPoint, ...]:
    """Points of one metric along a formula of the rate; the second one is matched."""
    return tuple(
        point(codec, r, {metric: formula(r)}, matched=i == min(1, len(rates) - 1))
        for i, r in enumerate(rates)
    )


def clip(name: str, *points: Sequence[CodedPoint]) -> ComparedClip:
    """A clip of 2 s with these points."""
    return ComparedClip(name, 50, 2.0, "25", 512, True, tuple(p for group in points for p in group))


def results(
    *clips: ComparedClip, metrics: dict[str, dict[str, str]] | None = None
) -> ComparisonResults:
    """A comparison of made-up clips."""
    settings: dict[str, Any] = {
        "codecs": ["h264", "h265", "av1", "vp9", "vqt"],
        "rates_kbps": list(RATES),
        "every": 1,
        "tracks": "video",
        "cut_s": None,
        "quick": False,
    }
    conditions = {
        "date_utc": "2026-01-02",
        "machine": {
            "cpu": "Drawn CPU <1>",
            "cores": 2,
            "load_average_1min": 0.5,
            "system": "Linux x86_64",
        },
        "python": "3.13.0",
        "versions": {"torch": "2.13.0", "av": "16.0"},
        "git": "abc1234",
    }
    return ComparisonResults(
        settings, conditions, metrics or METRICS, {"lpips": "no weights of AlexNet here"}, clips
    )


def _means(quality: float, rate: float) -> dict[str, float | None]:
    """All metrics of a codec whose quality is a shift of its rate: 2 is as good as another at half its rate."""
    x = math.log2(rate * quality / 5)
    return {
        "perc": 0.42 * 2 ** (-0.35 * x),
        "ssim": 1 - 0.22 * 2 ** (-0.4 * x),
        "vmaf": 100 - 75 * 2 ** (-0.4 * x),
        "lmd": 0.03 * 2 ** (-0.5 * x),
        "jitter": 1 + 0.5 * 2**-x,
    }


def realistic(names: Sequence[str] = ("one", "two")) -> ComparisonResults:
    """Four anchors in two variants and vqt, which is ahead at low rates and saturates."""
    clips = []
    for number, name in enumerate(names):
        points: list[CodedPoint] = []
        for codec, quality in (("h264", 0.5), ("h265", 0.7), ("av1", 1.0), ("vp9", 0.8)):
            rates = [r * (1 + 0.05 * number) for r in (4.5, *RATES[1:], 52.0)]
            near = min(rates, key=lambda r: abs(r - 9.6))
            points += [point(codec, r, _means(quality, r), matched=r == near) for r in rates]
            points += [
                point(codec, r, _means(quality * (1.5 if r < 9 else 0.5), r), variant="256")
                for r in rates
            ]
        for rate, layers in ((6.1, 1), (7.4, 2), (8.4, 3), (9.6, 4), (11.0, 4)):
            means = {
                k: None if v is None else v + (0.03 if k == "perc" else 0) * (number % 3)
                for k, v in _means(2.4 * (rate / 6.1) ** -0.7, rate * (1 + 0.02 * number)).items()
            }
            points.append(
                point(
                    "vqt",
                    rate,
                    means,
                    variant="default" if rate == 9.6 else f"{layers} layers",
                    matched=rate == 9.6,
                    setting=f"--layers {layers}",
                )
            )
        clips.append(clip(name, points))
    return results(*clips)


def drawn_video(
    path: Path, *, hue: int, frames: int = 50, side_px: int = 96, sound: bool = True
) -> Path:
    """A face-like drawing that nods, with a tone: H.264 and AAC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(25)
    colour = cv2.cvtColor(np.array([[[hue, 190, 220]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    tone = (3000 * np.sin(np.arange(1920) * 2 * np.pi * 440 / 48000)).astype(np.int16)
    with VideoSink(
        path,
        width=side_px,
        height=side_px,
        frame_rate_hz=rate,
        channels=int(sound),
        preset="ultrafast",
        threads=1,
        force=True,
    ) as sink:
        for number in range(frames):
            picture = np.full((side_px, side_px, 3), 40, np.uint8)
            x = side_px // 2 + round(side_px / 8 * math.sin(number / 6))
            cv2.circle(picture, (x, side_px // 2), side_px // 3, colour.tolist(), cv2.FILLED)
            gap = 1 + abs(round(side_px / 16 * math.sin(number / 3)))
            cv2.ellipse(
                picture,
                (x, side_px * 2 // 3),
                (side_px // 8, gap),
                0,
                0,
                360,
                (90, 20, 30),
                cv2.FILLED,
            )
            sink.write_frame(picture, number / rate)
            if sound:
                sink.write_audio(tone)
    return path


def drawn_media(out: Path, values: ComparisonResults) -> None:
    """media/<clip>/original.mp4 and one file per codec."""
    for each in values.clips:
        for hue, codec in enumerate(["original", *dict.fromkeys(p.codec for p in each.points)]):
            drawn_video(
                out / "media" / each.name / f"{codec}.mp4", hue=28 * hue, frames=each.frames
            )


HOSTILE = "<script>alert(1)</script>".replace("/", "") + " & \"'"


def built_report(out: Path, names: Sequence[str] = ("one", HOSTILE)) -> Path:
    """A page with its media, small, without looking for faces in drawings."""
    values = realistic(names)
    drawn_media(out, values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet, "mouth_centres", lambda pictures: [(48.0, 64.0)] * len(pictures))
        patch.setattr(videos, "TILE_PX", 96)
        return report.build(values, out)
