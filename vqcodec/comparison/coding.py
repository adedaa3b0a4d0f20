"""One clip with one codec: find the settings, code, decode, measure, keep."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from vqcodec.comparison import points as vqtpoints
from vqcodec.comparison.anchors import codecs as anchors
from vqcodec.comparison.anchors.codecs import ANCHOR_CODECS, AnchorCodec
from vqcodec.comparison.anchors.mux import CodedSound, smallest
from vqcodec.comparison.anchors.search import RateSearch, ladder
from vqcodec.comparison.anchors.variants import Variant, variants_for
from vqcodec.comparison.measure import Gauge
from vqcodec.comparison.page.videos import write_video
from vqcodec.comparison.reference import YuvFrames
from vqcodec.comparison.results import VQT, Amount, CodedPoint
from vqcodec.comparison.store import Store
from vqcodec.comparison.task import Task
from vqcodec.decoding.parts import DecoderParts
from vqcodec.evaluation.tools.frames import Picture, to_side
from vqcodec.face.crop import resize
from vqcodec.format import CODED_SIZE_PX
from vqcodec.media.picture.colour import RgbConverter

MATCH_TOLERANCE = 0.04
Told = Callable[[str], object]


class _Common:
    """What both kinds of tasks share."""

    def __init__(self, gauge: Gauge, task: Task, store: Store, told: Told) -> None:
        self.task, self.store, self.told = task, store, told
        self.reference = task.prepared.reference
        self.gauge = gauge
        data = task.prepared.default_vqt.read_bytes()
        self.sound: CodedSound | None = vqtpoints.sound_of(data)
        self.vqt_sound_bytes = len(data) - task.prepared.default_bytes

    def amount(self, payload: int, file: int, file_with_sound: int) -> tuple[Amount, Amount]:
        """The four sizes in bytes and in kbit/s."""
        sound = self.sound.size_bytes if self.sound else 0
        sizes = payload, file, payload + sound, file_with_sound
        factor = 8 / float(self.reference.seconds) / 1000
        return Amount(*sizes), Amount(*(round(s * factor, 4) for s in sizes))

    def keep(self, key: str, point: CodedPoint) -> None:
        """Store a measured point."""
        self.store.progress.points[key] = point
        self.store.save()
        self.told(key)

    def refuse(self, key: str, reason: str) -> None:
        """Store that there is no such point, and why."""
        self.store.progress.refused[key] = reason
        self.store.save()
        self.told(key)

    def video(self, frames: Iterator[Picture]) -> None:
        """Write the decoded video of equal size."""
        self.task.media.mkdir(parents=True, exist_ok=True)
        write_video(frames, self.reference, self.task.video)


class VqtCoding(_Common):
    """All points of vqt."""

    def __init__(self, gauge: Gauge, task: Task, store: Store, told: Told) -> None:
        super().__init__(gauge, task, store, told)
        # figures and decode_fps by the file's hash: a rate that the encoder has no use for gives an earlier file again
        self.known: dict[bytes, tuple[dict[str, Any], dict[str, Any], float]] = {}

    def run(self) -> None:
        """Measure what isn't measured yet, and write the video."""
        parts: DecoderParts | None = None
        for setting in vqtpoints.QUICK if self.task.settings.quick else vqtpoints.SETTINGS:
            progress = self.store.progress
            if setting.name in progress.points or setting.name in progress.refused:
                continue
            try:
                file = vqtpoints.encode(self.reference.path, setting)
            except vqtpoints.RefusedRateError as error:
                self.refuse(setting.name, str(error))
                continue
            parts = parts or decoder_of(file.data)
            self.keep(setting.name, self.point(setting, file, parts))
        if self.task.settings.videos:
            file = vqtpoints.encode(self.reference.path, vqtpoints.SETTINGS[0])
            shown = vqtpoints.pictures(
                file.data, parts or decoder_of(file.data), set(range(self.reference.frames))
            )
            self.video(picture for _, picture in shown)
        self.store.progress.matched = vqtpoints.DEFAULT

    def point(
        self, setting: vqtpoints.VqtSetting, file: vqtpoints.VqtFile, parts: DecoderParts
    ) -> CodedPoint:
        """Decode and measure one file; one that came out before, byte for byte, isn't measured again."""
        key = hashlib.sha256(file.data).digest()
        if key not in self.known:
            timed = _Timed(vqtpoints.small(vqtpoints.pictures(file.data, parts, self.gauge.needed)))
            self.known[key] = *self.gauge.measure(timed), round(timed.count / timed.seconds, 2)
        mean, per_frame, decode_fps = self.known[key]
        sizes, rates = self.amount(
            file.payload_bytes, len(file.data), len(file.data) + self.vqt_sound_bytes
        )
        frames = self.reference.frames
        return CodedPoint(
            VQT,
            setting.name,
            CODED_SIZE_PX,
            1,
            setting.options,
            setting.bitrate_kbps,
            sizes,
            rates,
            encode_fps=round(frames / file.seconds, 2),
            decode_fps=decode_fps,
            mean=mean,
            per_frame=per_frame,
        )


class AnchorCoding(_Common):
    """All points of an ordinary codec, in all its variants."""

    def __init__(self, gauge: Gauge, task: Task, store: Store, told: Told) -> None:
        super().__init__(gauge, task, store, told)
        self.codec: AnchorCodec = ANCHOR_CODECS[task.codec]
        self.coded: dict[str, anchors.Coded] = {}  # of the variant at work, by key

    def run(self) -> None:
        """Measure what isn't measured yet, match the default .vqt's size, and write the video of that."""
        for variant in variants_for(self.reference.side_px, self.reference.frames):
            search = self.search(variant)
            wanted = variant.rates(self.task.settings.rates_kbps)
            for crf, target in ladder(search, wanted).items():
                self.measured(variant, crf, target)
            self.coded.clear()
        self.match()

    def search(self, variant: Variant) -> RateSearch:
        """The search for settings of a variant, which knows the rates found so far."""

        def rate(crf: int) -> float:
            coded = self.recoded(variant, crf)
            size = smallest(coded.data, coded.units)
            found = size * 8 / float(self.reference.seconds) / 1000
            self.store.progress.rates.setdefault(variant.name, {})[str(crf)] = found
            self.store.save()
            return found

        known = {
            int(crf): value
            for crf, value in self.store.progress.rates.get(variant.name, {}).items()
        }
        return RateSearch(rate, self.codec.crf_max, self.codec.crf_start, known)

    def recoded(self, variant: Variant, crf: int) -> anchors.Coded:
        """The reference coded so, kept while the variant is at work."""
        key = _key(variant, crf)
        if key not in self.coded:
            self.coded[key] = anchors.encode(
                self.codec,
                YuvFrames(self.reference, variant),
                variant.side_px,
                self.reference.frame_rate_hz / variant.divisor,
                crf,
                quick=self.task.settings.quick,
            )
        return self.coded[key]

    def measured(self, variant: Variant, crf: int, target: float | None) -> None:
        """Decode and measure a point, unless that was done before."""
        key = _key(variant, crf)
        if key in self.store.progress.points:
            return
        coded = self.recoded(variant, crf)
        timed = _Timed(shown_frames(coded.data, variant, self.reference.frames, self.gauge.needed))
        mean, per_frame = self.gauge.measure((n, to_side(p)) for n, p in timed)
        sizes, rates = self.amount(
            coded.payload_bytes,
            smallest(coded.data, coded.units),
            smallest(coded.data, coded.units, self.sound),
        )
        frames = self.reference.frames
        self.keep(
            key,
            CodedPoint(
                self.codec.name,
                variant.name,
                variant.side_px,
                variant.divisor,
                f"crf {crf}",
                target,
                sizes,
                rates,
                encode_fps=round(frames / coded.seconds, 2),
                decode_fps=round(frames / timed.seconds, 2),
                mean=mean,
                per_frame=per_frame,
            ),
        )

    def match(self) -> None:
        """Find, measure and show the point of the default .vqt's size, in the variant that looks best there."""
        target_bytes = self.task.prepared.default_bytes
        target = target_bytes * 8 / float(self.reference.seconds) / 1000
        variants = {v.name: v for v in variants_for(self.reference.side_px, self.reference.frames)}
        points = list(self.store.progress.points.values())
        near = [
            p for p in points if p.kbps.file <= 1.5 * target and p.mean.get("perc") is not None
        ] or points
        if not near:
            return
        variant = variants[
            min(near, key=lambda p: (p.mean.get("perc") or 9.0, p.kbps.file)).variant
        ]
        if self.task.settings.videos:
            crf = self.search(variant).find(target, MATCH_TOLERANCE)
            self.measured(variant, crf, round(target, 3))
            coded = self.recoded(variant, crf)
            frames = shown_frames(
                coded.data, variant, self.reference.frames, set(range(self.reference.frames))
            )
            self.video(resize(picture, CODED_SIZE_PX) for _, picture in frames)
            self.store.progress.matched = _key(variant, crf)
        else:
            self.store.progress.matched = min(
                self.store.progress.points,
                key=lambda k: abs(self.store.progress.points[k].bytes.file - target_bytes),
            )


class _Timed:
    """Passes items on and adds up the time spent on making them, not on using them."""

    def __init__(self, items: Iterator[tuple[int, Picture]]) -> None:
        self._items = items
        self.seconds, self.count = 1e-9, 0

    def __iter__(self) -> Iterator[tuple[int, Picture]]:
        while True:
            start_s = time.perf_counter()
            item = next(self._items, None)
            self.seconds += time.perf_counter() - start_s
            if item is None:
                return
            self.count += 1
            yield item


def _key(variant: Variant, crf: int) -> str:
    return f"{variant.name} crf {crf}"


def decoder_of(data: bytes) -> DecoderParts:
    """What decodes a .vqt file."""
    import io

    from vqcodec.container import Reader

    return DecoderParts.load(Reader(io.BytesIO(data)).head)


def shown_frames(
    data: bytes, variant: Variant, count: int, needed: set[int]
) -> Iterator[tuple[int, Picture]]:
    """The frames of a coded file as a viewer sees them at the reference's rate, RGB, at the coded size."""
    converter: RgbConverter | None = None
    for number, frame in enumerate(anchors.decode(data)):
        wanted = [
            n
            for n in range(number * variant.divisor, min((number + 1) * variant.divisor, count))
            if n in needed
        ]
        if wanted:
            converter = converter or RgbConverter(frame, Fraction(1))
            picture = converter.rgb(frame)
            yield from ((n, picture) for n in wanted)
