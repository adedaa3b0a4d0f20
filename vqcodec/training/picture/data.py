"""Training samples from the cache: one or two portraits and several targets of a clip, through the same random view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import MOTION_2, Layout
from vqcodec.training.common.ahead import ahead
from vqcodec.training.picture.clips import CachedClip, clip_odds, mouth_odds, shut_odds
from vqcodec.training.picture.coded import CodedPortraits
from vqcodec.training.picture.fields import FieldTeller
from vqcodec.training.picture.samples import Batch, assemble
from vqcodec.training.picture.views import mirror_permutation, seen_through

LAYER_ODDS = (0.06, 0.08, 0.16, 0.70)  # how often a target keeps 1, 2, 3, 4 residual layers


# how far from its portrait a frame of a portrait stream may be, at the most and at the least
NEAR_S = (0.3, 2.0)

# how often a sample is seen as a motion-1 stream would tell it: the renderer serves both
OLD_SPACE_ODDS = 0.12

# how often a sample comes without a field: motion-2 streams and generated motion have none
UNTOLD_ODDS = 0.1


@dataclass(frozen=True, slots=True)
class Draw:
    """How samples are drawn: odds of each kind.

    Attributes:
        open_mouths: targets are drawn by how far the mouth is open: wide open ones are rare, and hardest.
        pairs: two portraits instead of one.
        coded: portraits as a portrait stream brings them, where the cache has them.
        neighbours: targets come as pairs that follow each other in time.
        shutting: the first portrait is drawn by how far the mouth is open, targets by how near the lips are to each other: lips
            that meet where the portrait shows teeth are what a portrait stream saves bytes with.
        near: targets lie within NEAR_S of the portrait, or between the two of a pair: what a portrait stream asks for.
    """

    open_mouths: float = 0.4
    pairs: float = 0.0
    coded: float = 0.0
    neighbours: float = 0.0
    near: float = 0.0
    shutting: float = 0.0


class PairSampler:
    """Endless batches of B portraits, or pairs of portraits, with K targets each.

    Keys of a batch, P portraits in a sample:
        source (B, P, S, S, 3) uint8, target (B, K, S, S, 3) uint8.
        maps_s (B, P, 8, S/2, S/2), maps_t (B, K, 8, S/2, S/2) uint8.
        lm_s, lm_t: decoded landmarks, true_s, true_t: detected ones, (B, P or K, 478, 2) float32 in 0..1.
        delta (B, P, K, 36) decoded motion, state (B, P, 36) portrait features.
        around (B, P, K, 2, 3, 3) float32 decoded maps from target to portrait of background and torso on -1..1.
        field (B, P, K, 2, 64, 64) float32 what the field adds to the flow, in -1..1 units.
        learned (B, K, 12) 1 where the motion space codes a learned dimension; layers (B, K) int64.
        steady (B,) float32 1 where targets 2i and 2i+1 are neighbours in time.
    """

    def __init__(
        self,
        clips: list[CachedClip],
        basis: LandmarkBasis,
        *,
        size: int,
        portraits: int,
        targets: int,
        seed: int,
        real_weight: float = 2.0,
        layout: Layout | None = None,
        draw: Draw | None = None,
        fields: FieldTeller | None = None,
    ) -> None:
        self.clips, self.basis, self.size, self.draw = clips, basis, size, draw or Draw()
        self.portraits, self.targets, self.layout = portraits, targets, layout
        self.odds = clip_odds(clips, real_weight)
        self.mirror = mirror_permutation(basis.mean)
        self.rng = np.random.default_rng(seed)
        self._owed = 0.0
        self._fields = fields

    def _portraits(
        self, clip: CachedClip, count: int, near: bool, shutting: bool
    ) -> tuple[NDArray[np.int64], CodedPortraits | None]:
        """`count` portraits, coded ones if these can serve; half of the first are early in the clip, unless near."""
        first = not near and self.rng.random() < 0.5
        coded = clip.coded if self.rng.random() < self.draw.coded else None
        places = clip.valid if coded is None else coded.places
        some = (12 if coded is None else 1) if first else len(places)
        if shutting:
            odds = mouth_odds(clip)[np.searchsorted(clip.valid, places)]
            chosen = [int(self.rng.choice(len(places), p=odds / odds.sum()))]
        else:
            chosen = [int(self.rng.integers(min(some, len(places))))]
        if count == 2 and near:
            apart = self.rng.uniform(*NEAR_S) * clip.rate_hz
            other = int(np.abs(places - (places[chosen[0]] + apart)).argmin())
            chosen.append(other if other != chosen[0] else max(chosen[0] - 1, 0))
        elif count == 2:
            chosen.append(int(self.rng.integers(len(places))))
        return places[chosen], coded

    def _pool(self, clip: CachedClip, places: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Numbers among the clip's valid frames that may be targets; near the portraits, where these are given."""
        every = np.arange(len(clip.valid))
        if places is None:
            return every
        reach = self.rng.uniform(*NEAR_S) * clip.rate_hz if len(places) == 1 else 1.0
        inside = (clip.valid >= places.min() - reach) & (clip.valid <= places.max() + reach)
        return every[inside] if inside.sum() >= 2 else every

    def _targets(
        self, clip: CachedClip, places: NDArray[np.int64] | None, shutting: bool
    ) -> tuple[NDArray[np.int64], bool]:
        """K targets, often by how far the mouth is open, or shut; whether each second one follows the one before it in time."""
        pool, odds = self._pool(clip, places), None
        if self.rng.random() < self.draw.open_mouths or shutting:
            odds = (shut_odds if shutting else mouth_odds)(clip)[pool]
            odds = odds / odds.sum()
        steady = self.targets % 2 == 0 and self.rng.random() < self.draw.neighbours
        if not steady:
            return clip.valid[self.rng.choice(pool, size=self.targets, p=odds)], False
        at = self.rng.choice(pool, size=self.targets // 2, p=odds).clip(max=len(clip.valid) - 2)
        return clip.valid[np.stack([at, at + 1], 1).reshape(-1)], True

    def _view(self, landmarks: NDArray[np.float32], side: int) -> NDArray[np.float32]:
        """Random crop (2x3 affine, source pixels -> output pixels) that keeps the faces inside; sometimes mirrored."""
        low, high = landmarks.min((0, 1)) * side, landmarks.max((0, 1)) * side
        smallest = max(float((high - low).max()) * 1.25, 0.6 * side)
        crop = (
            side if self.rng.random() < 0.35 else float(self.rng.uniform(min(smallest, side), side))
        )
        span = side - crop
        pad = 0.06 * crop
        origin = [
            float(
                np.clip(
                    self.rng.uniform(0, span),
                    min(max(hi + pad - crop, 0), span),
                    max(min(lo - pad, span), 0),
                )
            )
            if span > 0
            else 0.0
            for lo, hi in zip(low, high, strict=True)
        ]
        scale = self.size / crop
        return np.array(
            [[scale, 0, -origin[0] * scale], [0, scale, -origin[1] * scale]], np.float32
        )

    def _colour(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """One random gain, offset and gamma per channel for portrait and targets alike."""
        if self.rng.random() < 0.3:
            return frames
        ramp = np.arange(256, dtype=np.float32) / 255
        gamma, shade = (
            self.rng.uniform(0.8, 1.25),
            self.rng.uniform(0.8, 1.2, 3) * self.rng.uniform(0.8, 1.15),
        )
        table = np.stack([ramp**gamma * s + self.rng.uniform(-0.03, 0.03) for s in shade], -1)
        lut = (table.clip(0, 1) * 255).round().astype(np.uint8)
        return np.stack([cv2.LUT(f, lut[None]) for f in frames])

    def _looked_up(
        self,
        clip: CachedClip,
        times: NDArray[np.int64],
        coded: CodedPortraits | None,
        portraits: int,
    ) -> list[NDArray[np.uint8]]:
        """Frames of a sample, the portraits among them as coded, all of one sequence."""
        frames = [clip.frames[t] for t in times]
        if coded is not None:
            quality = int(self.rng.integers(len(coded.frames)))
            frames[:portraits] = [
                coded.frames[quality, int(np.flatnonzero(coded.places == t)[0])]
                for t in times[:portraits]
            ]
        return frames

    def sample(self, portraits: int = 1) -> Batch:
        """A portrait, or two, with targets, without the leading B."""
        clip = self.clips[int(self.rng.choice(len(self.clips), p=self.odds))]
        near = bool(self.rng.random() < self.draw.near)
        # no number is drawn where it isn't asked for: other recipes see what they always saw
        shutting = self.draw.shutting > 0 and bool(self.rng.random() < self.draw.shutting)
        places, coded = self._portraits(clip, portraits, near, shutting)
        targets, steady = self._targets(clip, places if near else None, shutting)
        times = np.concatenate([places, targets])
        frames, landmarks, around = self._seen(
            clip, times, self._looked_up(clip, times, coded, portraits)
        )
        landmarks = landmarks.astype(np.float32)
        layers = self.rng.choice(4, size=self.targets, p=LAYER_ODDS) + 1
        if steady:
            layers[1::2] = layers[::2]
        layout = self.layout or (Layout() if self.rng.random() < OLD_SPACE_ODDS else MOTION_2)
        sample = assemble(
            self._colour(frames),
            landmarks,
            around,
            self.basis,
            layers,
            self.size,
            layout,
            portraits=portraits,
        )
        if self._fields is not None and layout.surround and self.rng.random() >= UNTOLD_ODDS:
            sample["field"] = self._fields.flows(frames, landmarks, around, layers)
        return sample | {"steady": np.array(steady, np.float32)}

    def _seen(
        self, clip: CachedClip, times: NDArray[np.int64], pictures: list[NDArray[np.uint8]]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """Frames, landmarks and surroundings through one random view, sometimes mirrored."""
        side = clip.frames.shape[1]
        landmarks = clip.landmarks[times]
        view = self._view(landmarks, side)
        flip = bool(self.rng.random() < 0.5)
        shrink = cv2.INTER_AREA if view[0, 0] < 0.9 else cv2.INTER_LINEAR
        # warpAffine maps pixel indices; landmarks count from the pixel's edge
        matrix = view.copy()
        matrix[:, 2] += (view[0, 0] - 1) / 2
        plain = view[0, 2] == view[1, 2] == 0 and view[0, 0] * side == self.size
        frames = np.stack(
            [
                cv2.resize(p, (self.size,) * 2, interpolation=shrink)
                if plain
                else cv2.warpAffine(
                    p,
                    matrix,
                    (self.size,) * 2,
                    flags=cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
                for p in pictures
            ]
        )
        landmarks = (landmarks * side * view[0, 0] + view[:, 2]) / self.size
        if flip:
            frames = frames[:, :, ::-1]
            landmarks = landmarks[:, self.mirror] * np.array([-1, 1], np.float32) + np.array(
                [1, 0], np.float32
            )
        around = seen_through(clip.surroundings[times], view, flip, side, self.size)
        return np.ascontiguousarray(frames, np.uint8), landmarks, around

    def batch(self) -> Batch:
        """B samples stacked, all with one portrait or all with two."""
        # evenly, not by chance: processes that train together then do the same work in every step
        self._owed += self.draw.pairs
        portraits = 2 if self._owed >= 1 else 1
        self._owed -= self._owed >= 1
        samples = [self.sample(portraits) for _ in range(self.portraits)]
        return {key: np.stack([s[key] for s in samples]) for key in samples[0]}

    def prefetch(self, depth: int = 4) -> Iterator[Batch]:
        """The same batches, made one ahead by a thread (OpenCV and numpy release the interpreter lock)."""
        return ahead(iter(self.batch, None), depth)
