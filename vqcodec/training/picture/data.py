"""Training samples from the cache: one or two portraits and several targets of a clip, through the same random view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.format import DIMS, FEATURE_SIZE_PX, HALF, LAYERS, from_digits, to_digits
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import LANDMARK_DIMS, LEARNED_OUTPUTS, MOTION_2, Layout
from vqcodec.geometry.similarity import between, to_matrix, to_numbers
from vqcodec.quantize.grfsq import dequantize, quantize
from vqcodec.render.maps import draw_maps
from vqcodec.training.common.ahead import ahead
from vqcodec.training.picture.coded import CodedPortraits, load_coded

Batch = dict[str, NDArray[Any]]
LAYER_ODDS = (0.06, 0.08, 0.16, 0.70)  # how often a target keeps 1, 2, 3, 4 residual layers
OLD_SPACE_ODDS = (
    0.12  # how often a sample is seen as a motion-1 stream would tell it: the renderer serves both
)


@dataclass(frozen=True, slots=True)
class Draw:
    """How samples are drawn: odds of each kind.

    Attributes:
        open_mouths: targets are drawn by how far the mouth is open: wide open ones are rare, and hardest.
        pairs: two portraits instead of one.
        coded: portraits as a portrait stream brings them, where the cache has them.
        neighbours: targets come as pairs that follow each other in time.
    """

    open_mouths: float = 0.4
    pairs: float = 0.0
    coded: float = 0.0
    neighbours: float = 0.0


@dataclass(frozen=True, slots=True)
class Clip:
    """One cached clip, memory-mapped.

    Attributes:
        frames: (N, S, S, 3) uint8.
        landmarks: (N, 478, 2) float32 in 0..1 of those frames; NaN where no face was found.
        surroundings: (N, 8) float32 motion of background and torso since the first frame.
        valid: indices of frames with a face.
        kind: "real" or "generated".
        identity: cluster number.
        coded: some of the frames as a portrait stream brings them; None where the cache has none.
    """

    name: str
    frames: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    surroundings: NDArray[np.float32]
    valid: NDArray[np.int64]
    kind: str
    identity: int
    coded: CodedPortraits | None = None


def load_clips(cache: Path, split: str, *, side: int = 256) -> list[Clip]:
    """Clips of one split with at least 8 usable frames.

    Raises:
        MediaError: the cache is empty.
    """
    clips = []
    for facts in sorted(cache.glob("*.json")):
        info = json.loads(facts.read_text())
        frames_path = cache / f"{facts.stem}.{side}.npy"
        if info["split"] != split or not frames_path.is_file():
            continue
        frames = np.load(frames_path, mmap_mode="r")
        step = info["stride"] if side == 256 else info["stride_512"]
        landmarks = np.load(cache / f"{facts.stem}.lm.npy")[::step][: len(frames)]
        valid = np.flatnonzero(np.isfinite(landmarks[:, 0, 0]))
        if len(valid) >= 8:
            clips.append(
                Clip(
                    facts.stem,
                    frames,
                    landmarks,
                    _surroundings(cache, facts.stem, info, side, len(frames)),
                    valid,
                    info["kind"],
                    info["identity"],
                    load_coded(cache, facts.stem) if side == 256 else None,
                )
            )
    if not clips:
        raise MediaError(
            f"no cached {split} clips in {cache}",
            hint="Build the cache first: vqcodec train does it from --data.",
        )
    return clips


def _surroundings(
    cache: Path, name: str, info: dict[str, Any], side: int, count: int
) -> NDArray[np.float32]:
    """Tracks belong to the 256 px frames; the 512 px ones are some of those."""
    path = cache / f"{name}.sur.npy"
    if not path.is_file():
        raise MediaError(
            f"{path} is missing: the cache is older than motion-2",
            hint="Run python -m vqcodec.training.common.cache CORPUS CACHE again; it adds what is missing.",
        )
    tracks: NDArray[np.float32] = np.load(path)
    at = (
        np.arange(count)
        * (1 if side == 256 else info["stride_512"])
        // (1 if side == 256 else info["stride"])
    )
    return tracks[at.clip(max=len(tracks) - 1)]


def clip_odds(clips: list[Clip], real_weight: float) -> NDArray[np.float64]:
    """Sampling probabilities: square root of the length, divided among clips of one identity, real footage weighed up."""
    count: dict[int, int] = {}
    for clip in clips:
        count[clip.identity] = count.get(clip.identity, 0) + 1
    odds = np.array(
        [
            len(c.valid) ** 0.5
            / count[c.identity] ** 0.5
            * (real_weight if c.kind == "real" else 1)
            for c in clips
        ]
    )
    return odds / odds.sum()


def mouth_odds(clip: Clip) -> NDArray[np.float64]:
    """Odds of a clip's valid frames by the gap between the lips, over the face's height; a shut mouth keeps a chance."""
    points = clip.landmarks[clip.valid].astype(np.float64)
    height = np.linalg.norm(points[:, 10] - points[:, 152], axis=1)
    odds = np.linalg.norm(points[:, 13] - points[:, 14], axis=1) / height.clip(1e-6) + 0.01
    return odds / odds.sum()


def _pair_up(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Greedy symmetric assignment, nearest pairs first; irises only among themselves (they lie on top of mesh points)."""
    distance = distance + distance.T
    distance[:468, 468:] = distance[468:, :468] = np.inf
    permutation = np.full(len(distance), -1)
    for flat in np.argsort(distance, axis=None):
        i, j = divmod(int(flat), len(distance))
        if permutation[i] < 0 and permutation[j] < 0:
            permutation[i], permutation[j] = j, i
    return permutation


def mirror_permutation(mean: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of each landmark's mirror image, from the mean face ((956,) of LandmarkBasis.mean).

    The mean face is reflected, matched, bent to fit by a cubic (the mean is not quite symmetric), and matched again.
    """
    points = mean.reshape(-1, 2).astype(np.float64)
    reflected = points.copy()
    reflected[:, 0] = 2 * points[[10, 152, 1, 168], 0].mean() - reflected[:, 0]
    x, y = (reflected / FEATURE_SIZE_PX).T
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y, x**3, y**3], 1)
    permutation = _pair_up(np.linalg.norm(points[:, None] - reflected, axis=-1))
    for _ in range(3):
        bent = terms @ np.linalg.lstsq(terms[permutation], points, rcond=None)[0]
        permutation = _pair_up(np.linalg.norm(points[:, None] - bent, axis=-1))
    return permutation


def seen_through(
    surroundings: NDArray[np.float32], view: NDArray[np.float32], flip: bool, side: int, size: int
) -> NDArray[np.float32]:
    """Surroundings of frames that are shown through a view: (N, 8) -> (N, 8).

    Args:
        surroundings: of the whole frames.
        view: (2, 3) scale and shift, frame pixels -> view pixels.
        flip: the view is mirrored after that.
        side: of the frames.
        size: of the view.
    """
    scale = float(view[0, 0]) * side / size
    change = np.array(
        [
            [scale, 0, scale - 1 + 2 * view[0, 2] / size],
            [0, scale, scale - 1 + 2 * view[1, 2] / size],
            [0, 0, 1],
        ]
    )
    change = np.diag([-1.0 if flip else 1.0, 1, 1]) @ change
    moved = (
        change @ to_matrix(surroundings.reshape(len(surroundings), -1, 4)) @ np.linalg.inv(change)
    )
    return to_numbers(moved).reshape(len(surroundings), -1)


def quantize_layers(
    delta: NDArray[np.float32], units: NDArray[np.float32], layers: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What a decoder makes of motion when row i keeps layers[i] layers: (N, 48) -> (N, 48), by the normative quantizer."""
    digits = to_digits(quantize(delta, units))
    digits[np.arange(LAYERS) >= layers[:, None, None] + np.zeros((1, DIMS, 1), np.int64)] = HALF
    return dequantize(from_digits(digits), units)


class PairSampler:
    """Endless batches of B portraits, or pairs of portraits, with K targets each.

    Keys of a batch, P portraits in a sample:
        source (B, P, S, S, 3) uint8, target (B, K, S, S, 3) uint8.
        maps_s (B, P, 8, S/2, S/2), maps_t (B, K, 8, S/2, S/2) uint8.
        lm_s, lm_t: decoded landmarks, true_s, true_t: detected ones, (B, P or K, 478, 2) float32 in 0..1.
        delta (B, P, K, 36) decoded motion, state (B, P, 36) portrait features.
        around (B, P, K, 2, 3, 3) float32 decoded maps from target to portrait of background and torso on -1..1.
        learned (B, K, 12) 1 where the motion space codes a learned dimension; layers (B, K) int64.
        steady (B,) float32 1 where targets 2i and 2i+1 are neighbours in time.
    """

    def __init__(
        self,
        clips: list[Clip],
        basis: LandmarkBasis,
        *,
        size: int,
        portraits: int,
        targets: int,
        seed: int,
        real_weight: float = 2.0,
        layout: Layout | None = None,
        draw: Draw | None = None,
    ) -> None:
        self.clips, self.basis, self.size, self.draw = clips, basis, size, draw or Draw()
        self.portraits, self.targets, self.layout = portraits, targets, layout
        self.odds = clip_odds(clips, real_weight)
        self.mirror = mirror_permutation(basis.mean)
        self.rng = np.random.default_rng(seed)
        self._owed = 0.0

    def _portraits(self, clip: Clip, count: int) -> tuple[NDArray[np.int64], CodedPortraits | None]:
        """`count` portraits, coded ones if these can serve; half of the first are early in the clip, as in use."""
        first = self.rng.random() < 0.5
        coded = clip.coded if self.rng.random() < self.draw.coded else None
        places = clip.valid if coded is None else coded.places
        some = (12 if coded is None else 1) if first else len(places)
        chosen = [int(self.rng.integers(min(some, len(places))))]
        if count == 2:
            chosen.append(int(self.rng.integers(len(places))))
        return places[chosen], coded

    def _targets(self, clip: Clip) -> tuple[NDArray[np.int64], bool]:
        """K targets, often by how far the mouth is open; whether each second one follows the one before it in time."""
        count = len(clip.valid)
        odds = mouth_odds(clip) if self.rng.random() < self.draw.open_mouths else None
        steady = self.targets % 2 == 0 and self.rng.random() < self.draw.neighbours
        if not steady:
            return clip.valid[self.rng.choice(count, size=self.targets, p=odds)], False
        at = self.rng.choice(count, size=self.targets // 2, p=odds).clip(max=count - 2)
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
        self, clip: Clip, times: NDArray[np.int64], coded: CodedPortraits | None, portraits: int
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
        places, coded = self._portraits(clip, portraits)
        targets, steady = self._targets(clip)
        times = np.concatenate([places, targets])
        frames, landmarks, around = self._seen(
            clip, times, self._looked_up(clip, times, coded, portraits)
        )
        layers = self.rng.choice(4, size=self.targets, p=LAYER_ODDS) + 1
        if steady:
            layers[1::2] = layers[::2]
        layout = self.layout or (Layout() if self.rng.random() < OLD_SPACE_ODDS else MOTION_2)
        sample = assemble(
            self._colour(frames),
            landmarks.astype(np.float32),
            around,
            self.basis,
            layers,
            self.size,
            layout,
            portraits=portraits,
        )
        return sample | {"steady": np.array(steady, np.float32)}

    def _seen(
        self, clip: Clip, times: NDArray[np.int64], pictures: list[NDArray[np.uint8]]
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
        return np.ascontiguousarray(frames), landmarks, around

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


def assemble(
    frames: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    surroundings: NDArray[np.float32],
    basis: LandmarkBasis,
    layers: NDArray[np.int64],
    size: int,
    layout: Layout = MOTION_2,
    *,
    portraits: int = 1,
) -> Batch:
    """Portraits (first) and targets with what the decoder would know about them.

    Args:
        frames: (P + K, S, S, 3) uint8.
        landmarks: (P + K, 478, 2) in 0..1.
        surroundings: (P + K, 8), see motion.surroundings.
        basis: the motion space's linear part, with the units of motion-2.
        layers: (K,) residual layers each target keeps.
        size: S.
        layout: the motion space the decoder is told of.
        portraits: P; tokens count from the first one.

    Returns:
        A sample (see PairSampler), without the leading B.
    """
    span = MOTION_2.surround_span
    features = np.zeros(
        (len(frames), DIMS), np.float32
    )  # the image CNN's part is made in the network
    features[:, :LANDMARK_DIMS] = basis.project(landmarks)
    features[:, span] = surroundings if layout.surround else 0
    own = (np.round(features[:portraits] / basis.units) * basis.units).astype(np.float32)
    coded = own[:1] + quantize_layers(features[portraits:] - own[:1], basis.units, layers)
    around = np.stack([between(state[None, span], coded[:, span]) for state in own])
    learned = np.isin(np.arange(LEARNED_OUTPUTS), layout.learned).astype(np.float32)
    decoded = basis.landmarks(np.concatenate([own, coded])[:, :LANDMARK_DIMS])
    maps = np.stack([draw_maps(points, min(size // 2, 128)) for points in decoded])
    delta = (coded[None] - own[:, None])[..., :LANDMARK_DIMS]
    return dict(
        source=frames[:portraits],
        target=frames[portraits:],
        maps_s=maps[:portraits],
        maps_t=maps[portraits:],
        lm_s=decoded[:portraits],
        lm_t=decoded[portraits:],
        true_s=landmarks[:portraits],
        true_t=landmarks[portraits:],
        delta=delta,
        state=own[:, :LANDMARK_DIMS],
        layers=layers,
        around=around,
        learned=np.repeat(learned[None], len(coded), 0),
    )
