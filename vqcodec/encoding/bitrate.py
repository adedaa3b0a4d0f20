"""Fitting a whole file into a bit rate: `--bitrate KBPS`.

Everything that can be chosen late is kept compactly: features of every frame, candidates for portraits as JPEG (in a temporary
file once they are many), the sound coded at a few rates. Then the highest step of a ladder (encoding.ladder) that fits is
written, and what is left over buys sharper portraits, then finer motion.

    steps tried with a quick AV1 preset, whose portraits are larger --by the ratio seen so far--> a guess at the real size
    the guess coded as it will be written --> another ratio, perhaps another guess
    the next step's sound doesn't fit     --> the higher steps' pictures with this step's sound
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO

from vqcodec.config import EncodeOptions
from vqcodec.encoding.coding import ShotCoder, put
from vqcodec.encoding.kept import PictureFile
from vqcodec.encoding.ladder import LAST_STEP, STEPS_A_CRF, setting_at
from vqcodec.encoding.settings import BEST_CRF, Setting, crf_of, quality_of
from vqcodec.encoding.shots import RecordedShot
from vqcodec.errors import UsageError
from vqcodec.media.still.portrait_coder import PRESET
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import AudioHead, Head, StreamSizes

QUICK_PRESET = 8
_USUAL_RATIO = 0.8  # portraits of PRESET to those of QUICK_PRESET
_GUESSES = 6
_FULL = 0.97
_FINER = (0.9, 0.75, 0.5, 0.25, 0.0)
_SHARPER_CRFS = 4


@dataclass(frozen=True, slots=True)
class Trial:
    """A whole file at one setting.

    Attributes:
        setting: how it was coded.
        data: the file.
        head: what it says first.
        sizes: of its parts.
        portraits: how many it has.
    """

    setting: Setting
    data: bytes
    head: Head
    sizes: StreamSizes
    portraits: int

    def kbps(self, portrait_ratio: float = 1.0) -> float:
        """Kilobits in a second, were the portraits so much of what they are."""
        count = len(self.data) - (1 - portrait_ratio) * self.sizes.portrait
        return float(count) * 8 / float(max(self.sizes.seconds, Fraction(1, 1000))) / 1000


class FittedFile:
    """A StreamOutput that collects a whole stream, then writes the best step that fits.

    Attributes:
        head: what HEAD says; complete after close().
        sizes: of the whole file, after close().
        setting: the one written; known after close().
        portraits: how many were written.
    """

    def __init__(
        self,
        sink: BinaryIO,
        head: Head,
        options: EncodeOptions,
        audio_heads: dict[int, AudioHead],
        coder: Callable[[int, Setting | None], ShotCoder],
    ) -> None:
        """Begin.

        Args:
            sink: written in close() only.
            head: everything but layers, sound and crop.
            options: with bitrate_kbps set.
            audio_heads: by bit rate, in the order of SoundPiece.rung; empty without sound, one with copied sound.
            coder: gives what codes a file's shots, with an AV1 preset, refining the motion for a setting or not.
        """
        assert options.bitrate_kbps is not None
        self.head, self.sizes, self.portraits = head, StreamSizes(), 0
        self.setting = setting_at(LAST_STEP, options)
        self._sink, self._options = sink, options
        self._target_kbps = options.bitrate_kbps
        self._audio_heads, self._coder = audio_heads, coder
        self._pictures = PictureFile()
        self._items: list[RecordedShot | SoundPiece] = []
        self._coders: dict[int, ShotCoder] = {}
        self._quick: dict[Setting, Trial] = {}

    @property
    def portrait_quality(self) -> int:
        """That of the step; final after close()."""
        return quality_of(self.setting.crf)

    def shot(self, shot: RecordedShot) -> None:
        """Keep a shot."""
        moved = tuple(replace(c, picture=self._pictures.moved(c.picture)) for c in shot.candidates)
        frames = tuple(
            f if f.picture is None else replace(f, picture=self._pictures.moved(f.picture))
            for f in shot.frames
        )
        scene = shot.scene and shot.scene.moved(self._pictures)
        self._items.append(replace(shot, candidates=moved, frames=frames, scene=scene))

    def sound(self, piece: SoundPiece) -> None:
        """Keep a packet."""
        self._items.append(piece)

    def close(self) -> StreamSizes:
        """Choose a step and write the file.

        Raises:
            UsageError: even the smallest file is too large; the message says how large it is.
        """
        try:
            best = self._refined(self._filled(self._sharpened(self._fitted())))
        finally:
            self._pictures.close()
        self._sink.write(best.data)
        self.setting, self.head, self.sizes = best.setting, best.head, best.sizes
        self.portraits = best.portraits
        return self.sizes

    def _fitted(self) -> Trial:
        smallest = self._trial(setting_at(0, self._options), PRESET)
        if not self._fits(smallest):
            kbps = smallest.kbps()
            raise UsageError(
                f"the file can't be coded at {self._target_kbps:g} kbit/s; its smallest form takes {kbps:.1f} kbit/s",
                hint=f"Ask for --bitrate {kbps + 0.1:.1f} or more.",
            )
        best, step = self._highest(smallest, 0, lambda step: setting_at(step, self._options))
        if len(self._audio_heads) == 1 or self._is_full(best):
            return best
        sound = (
            best.setting.audio_bps
        )  # a better one would take more than there is: pictures get it
        best, _ = self._highest(
            best, step, lambda step: replace(setting_at(step, self._options), audio_bps=sound)
        )
        return best

    def _highest(
        self, best: Trial, best_step: int, setting: Callable[[int], Setting]
    ) -> tuple[Trial, int]:
        """The highest step that fits, from one that does."""
        too_large, ratio = LAST_STEP + 1, _USUAL_RATIO
        for _ in range(_GUESSES):
            step = self._guess(setting, ratio, best_step, too_large)
            if step == best_step:  # unless the guess is a little too careful
                step = min(step + STEPS_A_CRF, (step + too_large) // 2)
            if step == best_step:
                break
            trial = self._trial(setting(step), PRESET)
            quick = self._quick.get(setting(step))
            if quick is not None:
                ratio = trial.sizes.portrait / max(quick.sizes.portrait, 1)
            if self._fits(trial):
                best, best_step = trial, step
                if self._is_full(trial):
                    break
            else:
                too_large = step
        return best, best_step

    def _guess(
        self, setting: Callable[[int], Setting], ratio: float, low: int, too_large: int
    ) -> int:
        """The highest step between two that should fit, by quick trials."""
        high = too_large - 1
        while low < high:
            middle = (low + high + 1) // 2
            at = setting(middle)
            if at not in self._quick:
                self._quick[at] = self._trial(at, QUICK_PRESET)
            if self._quick[at].kbps(ratio) <= self._target_kbps:
                low = middle
            else:
                high = middle - 1
        return low

    def _sharpened(self, best: Trial) -> Trial:
        """Where one portrait more is too much, those that are there get what is left."""
        quality = self._options.portrait_quality
        least = BEST_CRF if quality is None else crf_of(quality)
        for _ in range(_SHARPER_CRFS):
            if self._is_full(best) or best.setting.crf <= least:
                break
            trial = self._trial(replace(best.setting, crf=best.setting.crf - 1), PRESET)
            if not self._fits(trial):
                break
            best = trial
        return best

    def _filled(self, best: Trial) -> Trial:
        """What is left over buys finer motion, unless its price is the caller's."""
        if self._options.rdo is not None or best.setting.rdo == 0:
            return best
        price = best.setting.rdo
        for share in _FINER:
            trial = self._trial(replace(best.setting, rdo=price * share), PRESET)
            if not self._fits(trial):
                break
            best = trial
        return best

    def _refined(self, best: Trial) -> Trial:
        """The same with refined motion (encode --effort), if that fits, too."""
        if self._options.effort == 0:
            return best
        trial = self._coded(best.setting, self._coder(PRESET, best.setting))
        return trial if self._fits(trial) else best

    def _is_full(self, trial: Trial) -> bool:
        return trial.kbps() >= _FULL * self._target_kbps

    def _fits(self, trial: Trial) -> bool:
        return trial.kbps() <= self._target_kbps

    def _trial(self, setting: Setting, preset: int) -> Trial:
        if preset not in self._coders:
            self._coders[preset] = self._coder(preset, None)
        return self._coded(setting, self._coders[preset])

    def _coded(self, setting: Setting, coder: ShotCoder) -> Trial:
        """The whole file at one setting."""
        coder.restart()
        rates = list(self._audio_heads)
        sound = rates.index(setting.audio_bps) if setting.audio_bps in rates else 0
        audio = self._audio_heads[rates[sound]] if rates else None
        buffer = io.BytesIO()
        file = Interleaver(buffer, replace(self.head, layers=setting.layers, audio=audio))
        for item in self._items:
            if isinstance(item, SoundPiece):
                if item.rung == sound:
                    file.sound(item)
                continue
            for part in coder.items(item, setting):
                put(file, part)
        sizes = file.close()
        return Trial(setting, buffer.getvalue(), file.head, sizes, coder.portraits)
