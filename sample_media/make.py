"""Make the sample media again: portrait.png, speech.opus, talking.mp4.

    apt-get install espeak-ng; pip install scikit-image scipy
    python sample_media/make.py [FOLDER]

Same packages, same bytes. SOURCES.md says where each ingredient comes from.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from puppet import Pose, Puppet

from vqcodec.face.landmarks import FaceLandmarker

TEXT = (
    "Hello. This clip was made from one still picture and a synthetic voice. "
    "The eyes blink, and the mouth follows the sound."
)
VOICE = ["-v", "en-us+f2", "-s", "158", "-p", "46", "-a", "120"]
CROP_PX = (103, 0, 248)  # x, y, side in the 512 x 512 picture
SIZE_PX, CANVAS_PX = 512, 1024
FRAME_RATE_HZ = 25
RATE_HZ = 48_000
LEAD_S, TAIL_S = 0.5, 0.6
BLINKS_S = (1.3, 3.4, 6.0, 6.4)
F64 = NDArray[np.float64]


def portrait(side_px: int) -> NDArray[np.uint8]:
    """The square around head and shoulders of NASA's portrait of Eileen Collins."""
    import skimage.data

    x, y, side = CROP_PX
    square = Image.fromarray(skimage.data.astronaut()).crop((x, y, x + side, y + side))
    large = np.asarray(square.resize((side_px, side_px), Image.Resampling.LANCZOS)).astype(
        np.float32
    )
    blurred = cv2.GaussianBlur(large, (0, 0), 2.4 * side_px / SIZE_PX)
    return np.clip(large + 0.45 * (large - blurred) + 0.5, 0, 255).astype(np.uint8)


def speech() -> F64:
    """The text, spoken: mono floats at 48 kHz with silence around, -1..1."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        subprocess.run(["espeak-ng", *VOICE, "-w", str(wav), TEXT], check=True)
        with av.open(str(wav)) as source:
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
            parts = [
                r.to_ndarray()[0]
                for frame in [*source.decode(audio=0), None]
                for r in resampler.resample(frame)
            ]
    voice = np.concatenate(parts).astype(np.float64)
    voice *= 0.6 / np.abs(voice).max()
    sound = np.concatenate(
        [np.zeros(round(LEAD_S * RATE_HZ)), voice, np.zeros(round(TAIL_S * RATE_HZ))]
    )
    per_frame = RATE_HZ // FRAME_RATE_HZ
    return np.pad(sound, (0, -len(sound) % per_frame))


def _smooth(values: F64, radius: float) -> F64:
    reach = np.arange(-12, 13)
    kernel = np.exp(-0.5 * (reach / radius) ** 2)
    return np.convolve(np.pad(values, 12, mode="edge"), kernel / kernel.sum(), mode="valid")


def lips(sound: F64) -> tuple[F64, F64]:
    """Lip gap (0..1) and rounding (-1..1) per frame, from the sound's energy and balance of bands."""
    per_frame = RATE_HZ // FRAME_RATE_HZ
    frames = len(sound) // per_frame
    padded = np.pad(sound, per_frame)
    freq = np.fft.rfftfreq(2 * per_frame, 1 / RATE_HZ)
    window = np.hanning(2 * per_frame)
    low, mid, high = np.zeros(frames), np.zeros(frames), np.zeros(frames)
    for t in range(frames):
        begin = per_frame // 2 + t * per_frame
        power = np.abs(np.fft.rfft(padded[begin : begin + 2 * per_frame] * window)) ** 2
        low[t], mid[t], high[t] = (
            power[(freq >= a) & (freq < b)].sum()
            for a, b in ((100, 450), (450, 1400), (1400, 4000))
        )
    level = np.sqrt(mid + 0.25 * low)
    level /= np.percentile(level[level > 0.05 * level.max()], 85)
    gap = np.clip(level, 0, 1.25) ** 0.8
    balance = np.log((high + 1e-3) / (low + 1e-3))
    voiced = np.clip(level * 3, 0, 1)
    narrow = -np.tanh((balance - np.median(balance[level > 0.2])) / 1.8) * voiced
    return _smooth(gap, 0.75), _smooth(narrow, 1.3)


def blink(time_s: float) -> float:
    """How far the lids are closed, 0..1: down in 0.1 s, up in 0.18 s."""
    worst = 0.0
    for at in BLINKS_S:
        d = time_s - at
        ramp = 1 + d / 0.1 if d < 0 else 1 - (d - 0.05) / 0.18 if d > 0.05 else 1.0
        worst = max(worst, ramp)
    worst = min(max(worst, 0.0), 1.0)
    return worst * worst * (3 - 2 * worst)


def poses(sound: F64) -> list[Pose]:
    """One pose per frame: slow sums of sines for the head, the sound for lips, brows and nods."""
    gap, narrow = lips(sound)
    stress = _smooth(gap, 5.0)
    out = []
    for t in range(len(gap)):
        s = t / FRAME_RATE_HZ
        ease = min(s / 0.8, 1.0)

        def wave(hz: float, phase: float, s: float = s) -> float:
            return float(np.sin(2 * np.pi * (hz * s + phase)) - np.sin(2 * np.pi * phase))

        glance = float(np.tanh(3 * np.sin(2 * np.pi * 0.23 * s + 0.4)) - np.tanh(3 * np.sin(0.4)))
        out.append(
            Pose(
                gap=0.016 + 0.132 * float(gap[t]),
                narrow=0.75 * float(narrow[t]),
                lids=blink(s),
                brow=ease * (0.9 * float(stress[t]) - 0.35 + 0.2 * wave(0.31, 0.2)),
                gaze=(0.28 * glance * ease, 0.15 * wave(0.17, 0.1)),
                yaw_rad=ease * (0.17 * wave(0.19, 0.0) + 0.05 * wave(0.43, 0.3)),
                pitch_rad=ease * (0.06 * wave(0.27, 0.45) + 0.09 * (float(stress[t]) - 0.35)),
                roll_rad=ease * (0.06 * wave(0.15, 0.05) + 0.022 * wave(0.53, 0.6)),
                shift=(0.010 * wave(0.21, 0.02) * ease, 0.004 * wave(0.35, 0.7) * ease),
                scale=1 + 0.012 * wave(0.13, 0.0) * ease,
            )
        )
    return out


def _audio_frames(sound: F64, size: int) -> list[av.AudioFrame]:
    out = []
    for begin in range(0, len(sound), size):
        frame = av.AudioFrame.from_ndarray(
            sound[None, begin : begin + size].astype(np.float32), format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, begin, Fraction(1, RATE_HZ)
        out.append(frame)
    return out


def write_opus(path: Path, sound: F64) -> None:
    """Mono Ogg Opus at 24 kbit/s."""
    with av.open(
        str(path), "w", format="ogg", options={"fflags": "+bitexact"}
    ) as out:  # else a random serial number
        stream = out.add_stream("libopus", rate=RATE_HZ, layout="mono")
        stream.bit_rate = 24_000
        for frame in [*_audio_frames(sound, 960), None]:
            out.mux(stream.encode(frame))


def write_clip(path: Path, puppet: Puppet, sound: F64) -> None:
    """H.264 and AAC, 25 frames per second."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        video = out.add_stream(
            "libx264",
            rate=FRAME_RATE_HZ,
            options={"crf": "19", "preset": "slow", "x264-params": "threads=1"},
        )
        video.width = video.height = SIZE_PX
        video.pix_fmt = "yuv420p"
        audio = out.add_stream("aac", rate=RATE_HZ, layout="mono")
        audio.bit_rate = 64_000
        for t, pose in enumerate(poses(sound)):
            frame = av.VideoFrame.from_ndarray(puppet.render(pose, SIZE_PX), format="rgb24")
            frame.pts, frame.time_base = t, Fraction(1, FRAME_RATE_HZ)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for sound_frame in [*_audio_frames(sound, 1024), None]:
            out.mux(audio.encode(sound_frame))


def main() -> None:
    """Write the three files into a folder, by default this one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(portrait(SIZE_PX)).save(folder / "portrait.png", optimize=True)
    sound = speech()
    write_opus(folder / "speech.opus", sound)
    canvas = portrait(CANVAS_PX)
    with FaceLandmarker() as landmarker:
        face = landmarker.largest(canvas)
    assert face is not None
    write_clip(folder / "talking.mp4", Puppet(canvas, face.points), sound)


if __name__ == "__main__":
    main()
