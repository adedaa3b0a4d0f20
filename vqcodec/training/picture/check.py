"""Checks during training: figures on fixed pictures of corpus/val, and a sheet to look at. Nothing is chosen by them.

Every clip shows FRAMES pictures spread over it, at 256x256, from portraits of one of these kinds:
    clean        its first frame, uncoded
    avif25, avif50   its first frame as AVIF of this quality at 512x512
    pair         its first frame and one a little after its middle, fused
    nearest      the same two, each picture from the one whose landmarks are nearer
    pair25       as pair, both as AVIF of quality 25
    near         half a second before each of them, uncoded
    stream       the same, as later pictures of an AV1 sequence at CRF 50, 512x512, restored
    told         as stream, with the field
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.mesh import EYES, LIPS
from vqcodec.media.still.stills import decode_still, encode_avif
from vqcodec.render.network import Rendering
from vqcodec.training.picture.batches import only, to_tensors
from vqcodec.training.picture.clips import CachedClip, load_clips
from vqcodec.training.picture.coded import restored, through_av1
from vqcodec.training.picture.fields import FieldTeller
from vqcodec.training.picture.losses import FeatureWindow, PerceptualLoss, landmark_window
from vqcodec.training.picture.model import PictureAutoencoder
from vqcodec.training.picture.samples import Batch, assemble

FRAMES = 6
SECOND_AT = 0.58  # of the clip: between two of the pictures
NEAR_S, STREAM_CRF = 0.5, 50
DURING = ("clean", "pair", "near", "stream", "told")
KINDS = ("clean", "avif25", "avif50", "nearest", "pair", "pair25", "near", "stream", "told")
_STREAM = ("stream", "told")
# the definitions of the metrics perc_mouth and perc_eyes
MOUTH, EYE_STRIP = FeatureWindow(LIPS, (112, 160), 1.0), FeatureWindow(EYES, (96, 256), 1.7)


def _psnr(a: Tensor, b: Tensor) -> Tensor:
    return -10 * torch.log10(((a.clamp(0, 1) - b) ** 2).mean((1, 2, 3)) + 1e-10)


def _detail(picture: Tensor) -> Tensor:
    """Mean strength of the finest detail: what differs from the 3x3 mean around it."""
    return (picture - F.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)).abs().mean((1, 2, 3))


def coded_still(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """A portrait (S, S, 3) of the cache as a decoder gets it, at 256."""
    large = cv2.resize(picture, (512, 512), interpolation=cv2.INTER_CUBIC)
    decoded = decode_still(encode_avif(large.astype(np.uint8), quality=quality))
    return cv2.resize(decoded, (256, 256), interpolation=cv2.INTER_AREA).astype(np.uint8)


def streamed(pictures: Sequence[NDArray[np.uint8]], crf: int) -> NDArray[np.uint8]:
    """The last of some pictures (256, 256, 3) as a portrait stream of all of them brings it, restored."""
    large = [cv2.resize(p, (512, 512), interpolation=cv2.INTER_CUBIC) for p in pictures]
    shown = restored(through_av1([p.astype(np.uint8) for p in large], crf)[-1])
    return cv2.resize(shown, (256, 256), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _near_batches(
    clip: CachedClip, basis: LandmarkBasis, coded: bool, fields: FieldTeller | None
) -> list[Batch]:
    """The pictures of one clip, each from a portrait of its own shortly before it."""
    last = len(clip.valid) - 1
    batches = []
    for at in np.linspace(0, last, FRAMES + 1).round().astype(int)[1:]:
        before = max(at - round(NEAR_S * clip.rate_hz), 0)
        times = clip.valid[[before, at]]
        frames = [clip.frames[t] for t in times]
        if coded:
            frames[0] = streamed([clip.frames[clip.valid[0]], frames[0]], STREAM_CRF)
        layers, shown = np.full(1, 4), np.stack(frames)
        landmarks = clip.landmarks[times].astype(np.float32)
        batch = assemble(
            shown,
            landmarks,
            clip.surroundings[times],
            basis,
            layers,
            256,
            portraits=1,
        )
        if fields is not None:
            batch["field"] = fields.flows(shown, landmarks, clip.surroundings[times], layers)
        batches.append(batch)
    return batches


def _batches(
    clip: CachedClip,
    large: NDArray[np.uint8] | None,
    basis: LandmarkBasis,
    kind: str,
    fields: FieldTeller | None,
) -> list[Batch]:
    """The pictures of one clip from portraits of a kind, in as many batches as there are portraits."""
    if kind == "near" or kind in _STREAM:
        return _near_batches(clip, basis, kind in _STREAM, fields if kind == "told" else None)
    return [_batch(clip, large, basis, kind)]


def _batch(
    clip: CachedClip, large: NDArray[np.uint8] | None, basis: LandmarkBasis, kind: str
) -> Batch:
    """The pictures of one clip from portraits of a kind; `large` is the first frame at 512 where there is one."""
    last = len(clip.valid) - 1
    times = clip.valid[np.linspace(0, last, FRAMES + 1).round().astype(int)]
    times[0] = clip.valid[0]
    count = 2 if kind in ("pair", "pair25", "nearest") else 1
    if count == 2:
        times = np.insert(times, 1, clip.valid[int(SECOND_AT * last)])
    frames = [clip.frames[t] for t in times]
    if kind.endswith(("25", "50")):
        frames[:count] = [
            coded_still(f if large is None or number else large, int(kind[-2:]))
            for number, f in enumerate(frames[:count])
        ]
    return assemble(
        np.stack(frames),
        clip.landmarks[times].astype(np.float32),
        clip.surroundings[times],
        basis,
        np.full(FRAMES, 4),
        256,
        portraits=count,
    )


class Checker:
    """Renders FRAMES spread over each validation clip at 256."""

    def __init__(
        self,
        cache: Path,
        basis: LandmarkBasis,
        perceptual: PerceptualLoss,
        out: Path,
        device: torch.device,
        kinds: Sequence[str] = DURING,
        fields: FieldTeller | None = None,
    ) -> None:
        self.perceptual, self.out, self.device = perceptual, out, device
        self.batches: dict[str, list[Batch]] = {kind: [] for kind in kinds}
        for clip in load_clips(cache, "val"):
            path = cache / f"{clip.name}.512.npy"
            large = (
                np.load(path, mmap_mode="r")[0] if path.is_file() and clip.valid[0] == 0 else None
            )
            for kind in kinds:
                for batch in _batches(clip, large, basis, kind, fields):
                    self.batches[kind].append({k: v[None] for k, v in batch.items()})

    @torch.no_grad()
    def run(
        self, model: PictureAutoencoder, ema: dict[str, Tensor], step: int
    ) -> dict[str, dict[str, float]]:
        """Figures of the averaged weights by kind of portrait: means over frames, then clips; writes sheet-STEP.png."""
        kept = {n: p.detach().clone() for n, p in model.named_parameters()}
        for name, parameter in model.named_parameters():
            parameter.copy_(ema[name])
        figures = {
            kind: self.figures(model, kind, self.out / f"sheet-{step:06d}-{kind}.png")
            for kind in self.batches
        }
        for name, parameter in model.named_parameters():
            parameter.copy_(kept[name])
        return figures

    @torch.no_grad()
    def figures(
        self, model: PictureAutoencoder, kind: str, sheet: Path | None = None
    ) -> dict[str, float]:
        """Figures of a model's own weights from portraits of one kind."""
        rows, figures = [], []
        for batch in self.batches[kind]:
            every = to_tensors(batch, self.device)
            parts = _by_nearest(every) if kind == "nearest" else [every]
            shown = [self._rendered(model, part) for part in parts]
            figures.append(np.concatenate([f for _, f in shown], 1).mean(1))
            if len(every["target"]) > 1 or len(figures) % FRAMES == FRAMES // 2:
                rows.append(_row(parts[0], shown[0][0]))
        if sheet is not None:
            _write_sheet(rows, sheet)
        names = (
            "psnr",
            "psnr_warped",
            "psnr_still",
            "perc",
            "perc_still",
            "perc_mouth",
            "perc_eyes",
            "detail",
        )
        return {n: round(float(v), 4) for n, v in zip(names, np.mean(figures, 0), strict=True)}

    def _rendered(
        self, model: PictureAutoencoder, tensors: dict[str, Tensor]
    ) -> tuple[Rendering, NDArray[np.float64]]:
        """A rendering and its figures, (8, N)."""
        with torch.autocast(self.device.type, torch.bfloat16):
            rendering, _ = model(tensors)
        target, output = tensors["target"], rendering.output.float().clamp(0, 1)
        still = tensors["source"][0].expand_as(target)

        def crop(place: FeatureWindow) -> Tensor:
            distance: Tensor = self.perceptual(
                *landmark_window(output, target, landmarks=tensors["true_t"], **place._asdict())
            )
            return distance

        values = (
            _psnr(output, target),
            _psnr(rendering.warped.float(), target),
            _psnr(still, target),
            self.perceptual(output, target),
            self.perceptual(still, target),
            crop(MOUTH),
            crop(EYE_STRIP),
            _detail(output) / _detail(target),
        )
        return rendering, torch.stack([v.double() for v in values]).cpu().numpy()


def _by_nearest(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """A batch of one sample with two portraits as up to two batches with one each."""
    apart = torch.linalg.vector_norm(tensors["lm_s"] - tensors["lm_t"][None], dim=-1).mean(
        -1
    )  # (2, K)
    near = apart.argmin(0)
    return [
        only(tensors, portrait, torch.nonzero(near == portrait)[:, 0])
        for portrait in (0, 1)
        if bool((near == portrait).any())
    ]


def _write_sheet(rows: list[NDArray[np.uint8]], path: Path) -> None:
    rows = rows + [np.zeros_like(rows[0])] * (len(rows) % 2)
    half = len(rows) // 2
    sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)
    cv2.imwrite(str(path), sheet[..., ::-1])


def _row(tensors: dict[str, Tensor], rendering: Rendering) -> NDArray[np.uint8]:
    """Source, target, warped, generated (one portrait) or shares (two), output of the third picture, at 192 px."""
    extra = rendering.generated
    if rendering.shares is not None:
        extra = F.interpolate(rendering.shares.warped, scale_factor=4).expand(-1, 3, -1, -1)
    images = (tensors["source"][-1], tensors["target"], rendering.warped, extra, rendering.output)
    picked = [
        x[min(2, len(x) - 1)].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy() for x in images
    ]
    return np.concatenate(
        [
            cv2.resize((p * 255).astype(np.uint8), (192, 192), interpolation=cv2.INTER_AREA)
            for p in picked
        ],
        1,
    )
