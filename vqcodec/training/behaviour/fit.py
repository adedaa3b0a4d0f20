"""Fit the behaviour model: python -m vqcodec.training.behaviour.fit CORPUS CACHE OUT.

OUT is a JSON file of two parts: "parameters", which `vqcodec.gesture.behaviour.Behaviour` reads (its classes say what each
number means), and "statistics", the same measures of the real training clips and of what the model makes for the same sound
and length, for people to compare. The fit is by moments. The mean square of a head's motion is measured in three bands of time,
median over clips; each process is run alone with unit amplitude through the same measurement; then the amplitudes follow from a
non-negative least-squares problem per number of the pose. How much loudness adds is the step that brings the ratio of speeds in
speech and in pauses nearest to the real one. At last the amplitudes are scaled to the real standard deviations,
which the bounds had lessened. Blinks less than 2 s apart are left out: the model has none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import SPEECH_RATE_HZ
from vqcodec.geometry.controls import Controls, HeadShape, read_controls
from vqcodec.geometry.headpose import read_head
from vqcodec.gesture.behaviour import PROCESSES, Behaviour, HeadModel
from vqcodec.gesture.eyes import LONGEST_GAP_S, SHORTEST_GAP_S, EyeModel
from vqcodec.models import store
from vqcodec.speech.energy import EnergyMeter
from vqcodec.training.behaviour.stats import (
    BANDS,
    Summary,
    band_powers,
    blink_times_s,
    fast_correlation,
    nod_slope,
    summary,
)
from vqcodec.training.common.export import name_model

SHORTEST_FRAMES = 100
HOLD_S, FOLLOW_S = (2.5, 0.8, 0.25, 0.3), (0.22, 0.11, 0.06, 0.2)
FITTED = 3
# not fitted, since the landmarks' own tremble hides it: a third of a degree, a silent head hardly ever stands for a second
SWAY = (0.006, 0.008, 0.004, 0.001, 0.0014, 0.001)
GAINS = (0.2, 0.35, 0.5, 0.65)
ROUNDS, RUNS = 2, 3
# gesture and beat answer to loudness, posture less
_GAIN_SHARES = (0.3, 1.0, 1.0, 0.0)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeadTrack:
    """Controls of real footage and the energy of its sound, None without sound."""

    controls: Controls
    energy: NDArray[np.float32] | None


def read_clips(corpus: Path, cache: Path, shape: HeadShape) -> list[HeadTrack]:
    """The real training clips with a face in nearly every frame.

    Raises:
        UsageError: there is none.
    """
    clips = []
    for path in sorted(cache.glob("*.json")):
        facts = json.loads(
            path.read_text()
        )  # of a clip; the generator's training keeps facts of its own here
        if (
            facts.get("split") != "train"
            or facts["kind"] != "real"
            or facts["frames"] < SHORTEST_FRAMES
        ):
            continue
        controls = read_controls(np.load(cache / f"{path.stem}.lm.npy"), shape)
        if np.isfinite(controls.blink).mean() > 0.95:
            clips.append(
                HeadTrack(
                    controls.filled(), _energy(corpus / "train" / f"{path.stem}.mp4", len(controls))
                )
            )
    if not any(clip.energy is not None for clip in clips):
        raise UsageError(
            f"no real training clips with sound in {cache}",
            hint="Fill the cache with python -m vqcodec.training.common.cache.",
        )
    return clips


def _energy(path: Path, frames: int) -> NDArray[np.float32] | None:
    import av

    meter = EnergyMeter()
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler("flt", "mono", SPEECH_RATE_HZ)
        for frame in container.decode(audio=0):
            for block in resampler.resample(frame):
                meter.push(block.to_ndarray()[0])
    energy = meter.energy()[:frames]
    return np.pad(energy, (0, frames - len(energy)))


def simulated(model: Behaviour, clips: Sequence[HeadTrack], runs: int = 1) -> list[HeadTrack]:
    """What the model makes for the clips' sound, several times, from a plain portrait."""
    start = Controls(
        np.array([[0, 0, 0, 0.5, 0.45, -1.6]], np.float32),
        np.zeros((1, 2), np.float32),
        np.zeros(1, np.float32),
    )
    return [
        HeadTrack(model.controls(clip.energy, start, seed=len(clips) * run + i), clip.energy)
        for run in range(runs)
        for i, clip in enumerate(clips)
        if clip.energy is not None
    ]


def _non_negative(matrix: Array, target: Array) -> Array:
    """Least squares with x >= 0 for three unknowns: the best of all choices of unknowns that are zero."""
    best, answer = np.inf, np.zeros(matrix.shape[1])
    for chosen in range(1, 2 ** matrix.shape[1]):
        keep = [i for i in range(matrix.shape[1]) if chosen >> i & 1]
        x = np.zeros(matrix.shape[1])
        x[keep] = np.linalg.lstsq(matrix[:, keep], target, rcond=None)[0]
        error = float(((matrix @ x - target) ** 2).sum())
        if (x >= 0).all() and error < best:
            best, answer = error, x
    return answer


def _fit_amplitudes(model: Behaviour, clips: Sequence[HeadTrack], wanted: Array) -> Behaviour:
    """Amplitudes of the first three processes whose powers in the bands are the wanted ones (3 bands, 6)."""
    unit, powers = 0.004, []
    for k in range(FITTED):
        amplitude = np.zeros((len(PROCESSES), 6))
        amplitude[k] = unit
        head = replace(
            model.head, amplitude=_nested(amplitude), correlation=_nested(np.eye(6)), nod=0.0
        )
        runs = simulated(replace(model, head=head), clips)
        powers.append(
            np.median([band_powers(run.controls.pose) for run in runs], axis=0).mean(1) / unit**2
        )
    matrix = np.stack(powers, 1)
    fitted = np.stack(
        [np.sqrt(_non_negative(matrix / w[:, None], np.ones(len(BANDS)))) for w in wanted.T], 1
    )
    amplitude = np.concatenate([fitted, np.array([SWAY])])
    return replace(model, head=replace(model.head, amplitude=_nested(amplitude)))


def _nested(array: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(v), 5) for v in row) for row in array)


def _fit_blinks(clips: Sequence[HeadTrack]) -> tuple[float, float]:
    found = np.concatenate([np.diff(blink_times_s(clip.controls.blink)) for clip in clips])
    gaps = np.log(found[(found >= SHORTEST_GAP_S) & (found <= LONGEST_GAP_S)])
    if len(gaps) < 2:
        raise UsageError("the clips show no blinks", hint="More real training clips are needed.")
    return round(float(gaps.mean()), 3), round(float(gaps.std()), 3)


def fit(clips: Sequence[HeadTrack]) -> Behaviour:
    """The model nearest to the clips."""
    real = summary([c.controls for c in clips], [c.energy for c in clips])
    wanted = np.median([band_powers(c.controls.pose) for c in clips], axis=0)
    mean, std = _fit_blinks(clips)
    eyes = EyeModel(
        gap_log_mean=mean,
        gap_log_std=std,
        pause_blinks_hz=1.5,
        closing_s=0.09,
        shut_s=0.05,
        opening_s=0.13,
        fixation_log_mean=-0.35,
        fixation_log_std=0.6,
        centred=0.5,
        spread=(0.03, 0.02),
        drift=0.003,
        counter=real.counter,
        dip=real.dip,
    )
    head = HeadModel(
        HOLD_S,
        FOLLOW_S,
        _nested(np.full((len(PROCESSES), 6), 0.01)),
        _nested(fast_correlation([c.controls.pose for c in clips])),
        (0.0,) * len(PROCESSES),
        round(nod_slope([(c.controls.pose, c.energy) for c in clips if c.energy is not None]), 4),
    )
    model, candidates = Behaviour(head, eyes), []
    for gain in GAINS:
        trial = replace(
            model, head=replace(head, gain=tuple(round(gain * s, 3) for s in _GAIN_SHARES))
        )
        trial = _fit_amplitudes(trial, clips, wanted)
        made = _summary_of(trial, clips)
        candidates.append((abs(np.log(made.speech_to_pause / real.speech_to_pause)), trial))
    model = min(candidates, key=lambda c: c[0])[1]
    for _ in range(ROUNDS):
        made = _summary_of(model, clips)
        model = _scaled(model, np.clip(np.array(real.std) / np.array(made.std), 0.5, 2.0))
    return model


def _scaled(model: Behaviour, factors: Array) -> Behaviour:
    """Amplitudes of the fitted processes and the spread of fixations, multiplied by (8,) factors of pose and gaze."""
    amplitude = np.array(model.head.amplitude)
    amplitude[:FITTED] *= factors[:6]
    across, down = (round(float(v), 4) for v in np.array(model.eyes.spread) * factors[6:])
    return replace(
        model,
        head=replace(model.head, amplitude=_nested(amplitude)),
        eyes=replace(model.eyes, spread=(across, down)),
    )


def _summary_of(model: Behaviour, clips: Sequence[HeadTrack]) -> Summary:
    made = simulated(model, clips, RUNS)
    return summary([c.controls for c in made], [c.energy for c in made])


def main() -> None:
    """Command line: fit, write, name it in the manifest beside it, print both statistics."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    clips = read_clips(args.corpus, args.cache, read_head(store.current("head").path))
    model = fit(clips)
    real, made = (
        summary([c.controls for c in clips], [c.energy for c in clips]),
        _summary_of(model, clips),
    )
    seconds = round(sum(len(c.controls) for c in clips) / 25)
    content: dict[str, Any] = {
        "name": args.out.stem,
        "clips": len(clips),
        "seconds": seconds,
        "parameters": model.to_facts(),
        "statistics": {"real": real.to_facts(), "made": made.to_facts()},
    }
    args.out.write_text(json.dumps(content, indent=1) + "\n")
    name_model(args.out.parent, "behaviour", args.out)
    sys.stdout.write(real.table(made) + "\n")


if __name__ == "__main__":
    main()
