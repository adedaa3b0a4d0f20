"""VMAF of chosen frames, by vmaf-torch (a PyTorch version of Netflix's libvmaf, model vmaf_v0.6.1).

    vmaf = Vmaf()
    reference = VmafReference(frames)                        # motion, once per clip, over all of its frames
    vmaf.score(reference, [0, 10, 20], output[[0, 10, 20]])  # -> (3,)

Of VMAF's features only motion looks at neighbouring frames, and only at the reference's. So a frame's score is the same
whether its neighbours are scored or not, and sampling changes the mean alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.fidelity import check_pair
from vqcodec.evaluation.tools.extras import require

PURPOSE = "VMAF"
_BATCH_FRAMES = 8
_LUMA_OF_RGB = np.array([65.481, 128.553, 24.966], np.float32) / np.float32(255)
_BLACK = 16


def luma(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W, 3) uint8 RGB -> (N, H, W) uint8 luma, 16 (black) to 235 (white), BT.601.

    Y = round(16 + (65.481 R + 128.553 G + 24.966 B) / 255): what FFmpeg makes of RGB when asked for yuv420p without a
    colour space, at any picture size, and so what `ffmpeg -lavfi libvmaf` would be given.
    """
    return np.stack(
        [
            np.asarray(np.rint(f @ _LUMA_OF_RGB + _BLACK), np.uint8)
            for f in frames.astype(np.float32)
        ]
    )


def _planes(values: NDArray[np.uint8]) -> Any:
    import torch

    return torch.from_numpy(values.astype(np.float32))[:, None]


class VmafReference:
    """A reference video with its motion feature.

    Attributes:
        luma: (T, H, W) uint8.
        motion2: (T,) float32, `motion2` of libvmaf: the smaller of the mean absolute differences of the blurred luma to
            the frame before and to the frame after; 0 for the first frame, the one before alone for the last.

    Args:
        frames: (T, H, W, 3) uint8 RGB, consecutive, at least 1.

    Raises:
        MissingExtraError: vmaf-torch is not installed.
    """

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
            raise UsageError(
                f"frames of shape {frames.shape}, {frames.dtype}, are not a video (T, H, W, 3) of uint8"
            )
        import torch

        feature = require("vmaf_torch", PURPOSE).Motion()
        self.luma = np.concatenate(
            [luma(frames[i : i + _BATCH_FRAMES]) for i in range(0, len(frames), _BATCH_FRAMES)]
        )
        step = np.zeros(
            len(frames) + 1, np.float32
        )  # step[t] is from t - 1 to t; nothing leads to frame 0
        with torch.inference_mode():
            for start in range(1, len(frames), _BATCH_FRAMES):
                stop = min(start + _BATCH_FRAMES, len(frames))
                step[start:stop] = feature.motion(_planes(self.luma[start - 1 : stop]))[
                    1:, 0
                ].numpy()
        step[-1] = np.inf
        self.motion2 = np.minimum(step[:-1], step[1:])


class Vmaf:
    """Video multi-method assessment fusion (Li et al. 2016, Netflix Technology Blog), model vmaf_v0.6.1.

    A support vector machine, trained on people's ratings, maps six features of a luma frame to a score: visual
    information fidelity (Sheikh and Bovik 2006, IEEE TIP 15(2)) at four scales, detail loss (ADM, Li et al. 2011, IEEE
    TMM 13(5)) and the reference's motion. Range 0..100, clipped; higher is better; identical frames score 97.43 in a
    still picture and up to 100 in motion. The model was trained for 1080p seen from three screen heights: at another
    picture size values compare codecs with each other, not with figures published for 1080p.

    vmaf-torch computes in float where libvmaf rounds to integers; its authors report at most 0.03 between the two.

    Raises:
        MissingExtraError: vmaf-torch is not installed.
    """

    def __init__(self) -> None:
        package = require("vmaf_torch", PURPOSE)
        self._network: Any = package.VMAF(clip_score=True).eval().requires_grad_(False)

    def score(
        self, reference: VmafReference, numbers: Sequence[int], output: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Score some frames of an output.

        Args:
            reference: of the whole clip.
            numbers: which of its frames, n of them.
            output: (n, H, W, 3) uint8 RGB, the output's frames of those numbers.

        Returns:
            (n,) float32.

        Raises:
            UsageError: numbers and frames don't match, or the sizes of the pictures differ.
        """
        if len(numbers) != len(output):
            raise UsageError(f"{len(numbers)} frame numbers for {len(output)} frames")
        check_pair(
            np.broadcast_to(
                reference.luma[:1, ..., None], (len(output), *reference.luma.shape[1:], 3)
            ),
            output,
        )
        import torch

        scores = np.zeros(len(output), np.float32)
        with torch.inference_mode():
            for start in range(0, len(output), _BATCH_FRAMES):
                part = slice(start, start + _BATCH_FRAMES)
                chosen = np.asarray(numbers[part], np.intp)
                first, second = _planes(reference.luma[chosen]), _planes(luma(output[part]))
                motion = torch.from_numpy(reference.motion2[chosen])[:, None]
                score = self._network.predict(
                    self._network.compute_adm_score(first, second),
                    motion,
                    self._network.compute_vif_features(first, second),
                )
                scores[part] = score[:, 0].numpy()
        return scores
