"""What a Codec reads and writes: paths, bytes and file objects give the same; models are loaded once."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import vqcodec
from tests.support.codec import CountedLoads
from tests.support.dub import spoken, write_portrait, write_wav
from tests.support.pipeline import SPACE_ID, read_video
from vqcodec import api
from vqcodec.config import RuntimeOptions
from vqcodec.encoding import effort
from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.runtime.device import dtype_of


def test_all_kinds_of_sources_give_the_same_bytes(counted: CountedLoads, drawn_clip: Path) -> None:
    codec, data = counted.codec(), drawn_clip.read_bytes()
    made = [
        codec.encode(source).data
        for source in (
            drawn_clip,
            str(drawn_clip),
            data,
            bytearray(data),
            memoryview(data),
            io.BytesIO(data),
        )
    ]
    assert made[0] and made == [made[0]] * len(made)
    assert counted.loads == {"encoder": 1}


def test_all_kinds_of_targets_get_the_same_bytes(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    codec, sink = counted.codec(), io.BytesIO()
    coded = codec.encode(drawn_clip)
    to_path = codec.encode(drawn_clip, tmp_path / "a.vqt")
    codec.encode(drawn_clip, sink)
    assert coded.data == sink.getvalue() == (tmp_path / "a.vqt").read_bytes()
    assert to_path.data is None and replace(
        to_path, data=coded.data, elapsed_s=coded.elapsed_s
    ) == (coded)
    assert "data" not in coded.to_json() and "data" not in repr(coded)
    assert coded.data is not None
    shown = codec.decode(coded.data).data
    codec.decode(tmp_path / "a.vqt", tmp_path / "a.mp4")
    assert shown is not None and len(read_video(io.BytesIO(shown))[0]) == 30
    assert read_video(io.BytesIO(shown))[0] == read_video(tmp_path / "a.mp4")[0]


def test_models_are_loaded_when_needed_and_once(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    codec = counted.codec(device="cpu", batch_frames=7)
    write_wav(tmp_path / "a.wav", spoken(1.0))
    write_portrait(tmp_path / "a.png")
    assert not counted.loads
    for _ in range(2):
        data = codec.encode(drawn_clip).data
        assert data is not None
        codec.info(data)
        codec.decode(data)
        codec.dub(tmp_path / "a.wav", tmp_path / "a.png")
    assert counted.loads == {"encoder": 1, "decoder": 1, "dub": 1}
    assert counted.runtimes == [RuntimeOptions(device="cpu", batch_frames=7)] * 3


def test_a_dub_shows_its_video_with_the_codecs_own_renderer(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    codec = counted.codec()
    sound, picture = write_wav(tmp_path / "a.wav", spoken(1.0)), tmp_path / "a.png"
    write_portrait(picture)
    stream = codec.dub(sound.read_bytes(), picture.read_bytes())
    assert stream.data is not None and codec.info(stream.data)["synthetic"] is True
    assert counted.loads == {"dub": 1}


def test_nothing_is_loaded_for_an_output_that_exists(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.vqt").write_bytes(b"here")
    codec = counted.codec()
    with pytest.raises(OutputExistsError):
        codec.encode(drawn_clip, tmp_path / "a.vqt")
    assert not counted.loads and (tmp_path / "a.vqt").read_bytes() == b"here"
    codec.encode(drawn_clip, tmp_path / "a.vqt", force=True)
    assert (tmp_path / "a.vqt").read_bytes() != b"here"


def test_what_is_no_file(counted: CountedLoads) -> None:
    codec = counted.codec()
    with pytest.raises(MediaError):
        codec.encode(b"")
    with pytest.raises(UsageError, match="not a file"):
        codec.encode(b"abc", 7)  # type: ignore[arg-type]


def test_functions_share_one_codec(
    counted: CountedLoads, drawn_clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(api, "_shared", None)
    first = vqcodec.encode(drawn_clip, tmp_path / "a.vqt")
    assert vqcodec.encode(drawn_clip).sizes == first.sizes and counted.loads == {"encoder": 1}
    vqcodec.decode(tmp_path / "a.vqt", tmp_path / "a.mp4")
    with vqcodec.open(tmp_path / "a.vqt") as stream:
        assert sum(1 for _ in stream.frames(size_px=256)) == 30
    assert counted.loads == {"encoder": 1, "decoder": 1} and api.shared() is api.shared()


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "tpu"},
        {"precision": "int4"},
        {"threads": 0},
        {"batch_frames": 0},
        {"batch_frames": 257},
    ],
)
def test_runtime_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        vqcodec.Codec(**wrong)


def test_options_are_named() -> None:
    for kind in (vqcodec.EncodeOptions, vqcodec.DecodeOptions, vqcodec.DubOptions):
        with pytest.raises(TypeError):
            kind(3)  # type: ignore[misc]
    for gone in ("force", "device", "crf", "face_model", "batch_frames"):
        with pytest.raises(TypeError, match=gone):
            vqcodec.DecodeOptions(**{gone: 1})  # type: ignore[arg-type]


def test_an_effort_takes_the_codecs_own_renderer(
    counted: CountedLoads, drawn_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[object, ...]] = []
    given: list[object] = []

    def load_renderer(*arguments: object) -> object:
        made.append(arguments)
        return object()

    def refiner(level: int, setting: object, space: object, renderer: object) -> object:
        given.append(renderer)
        raise InterruptedError

    monkeypatch.setattr(effort, "load_renderer", load_renderer)
    monkeypatch.setattr(effort.Refiner, "load", refiner)
    codec = counted.codec(device="cpu")
    for _ in range(2):
        with pytest.raises(InterruptedError):
            codec.encode(drawn_clip, options=vqcodec.EncodeOptions(effort=1))
    assert made == [(SPACE_ID, "cpu")] and given[0] is given[1]


def test_precisions_by_name() -> None:
    assert dtype_of("auto", "cpu") is None and dtype_of("fp32", "cpu") is torch.float32
    assert dtype_of("bf16", "cpu") is torch.bfloat16
    with pytest.raises(UsageError, match="fp16"):
        dtype_of("fp16", "cpu")


def test_threads_are_set_when_the_first_model_is_loaded(
    counted: CountedLoads, drawn_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int | None] = []
    monkeypatch.setattr("vqcodec.runtime.device.use_threads", taken.append)
    codec = counted.codec(threads=1)
    assert taken == []
    codec.decode(codec.encode(drawn_clip).data or b"")
    assert taken == [1]
