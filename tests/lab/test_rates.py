"""Where the bits go, the rate-distortion curve, and the pages that show them."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.container import make_head, make_key_frame
from tests.support.evaluation import moving, write_video
from vqcodec.container import Reader, Writer
from vqcodec.entropy import encode_layers
from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.face.shots import Face
from vqcodec.format import to_indices
from vqcodec.lab.command import told
from vqcodec.lab.loss import report as lossreport
from vqcodec.lab.marked import begin, end, replaced, updated
from vqcodec.lab.rate import layertable, rates, rdcurve, rdo, rdplot
from vqcodec.training.entropy_tables.stats import counted_bits, ideal_bits
from vqcodec.types import Crop, MotionGroup


def group(frames: int, seed: int, dims: int = 48) -> np.ndarray:
    """Slow random walks in every dimension, all four layers."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(
        rng.integers(-1, 2, (frames, dims)) * (rng.random((frames, dims)) < 0.4), axis=0
    )
    return to_indices(np.clip(walk + rng.integers(-40, 41, dims), -170, 170))


@pytest.mark.parametrize(("seed", "dims"), [(0, 48), (1, 48), (2, 64)])
def test_payloads_come_close_to_the_ideal(seed: int, dims: int) -> None:
    indices = group(50, seed, dims)
    coded, ideal = np.array([8 * len(p) for p in encode_layers(indices)]), ideal_bits(indices)
    assert ideal.shape == (4,) and (ideal > 0).all()
    # payloads end in whole bytes without zeros; the rarest rank gets what the division leaves over
    np.testing.assert_allclose(coded, ideal, rtol=0.01, atol=16)


def test_counting_one_digit_costs_what_krichevsky_and_trofimov_say() -> None:
    indices = np.full((3, 12, 1), 312, np.uint16)
    start = np.log2(
        5
    )  # (0 + 5/2) / (0 + 1/2): nothing seen after "none", then nothing after the middle digit
    assert counted_bits([indices])[0] == pytest.approx(48 * (start + start + np.log2(3.5 / 1.5)))
    # the second group starts without a frame before, and its digit was seen there once
    assert counted_bits([indices[:1], indices[:1]])[0] == pytest.approx(
        48 * (start + np.log2(3.5 / 1.5))
    )


@pytest.mark.parametrize("dims", [48, 64])
def test_the_context_model_beats_counting(dims: int) -> None:
    groups = [group(50, seed, dims) for seed in range(4)]
    assert sum(ideal_bits(g).sum() for g in groups) < counted_bits(groups).sum()


def stream(path: Path, groups: list[np.ndarray]) -> Path:
    head = replace(
        make_head(layers=4), audio=None, time_base_s=Fraction(1, 25), frame_rate_hz=Fraction(25)
    )
    with path.open("wb") as sink, Writer(sink, head) as writer:
        writer.key_frame(make_key_frame())
        first = 0
        for indices in groups:
            ticks = np.arange(first, first + len(indices))
            writer.motion(MotionGroup(first, ticks, np.zeros(len(ticks), np.bool_), indices))
            first += len(indices)
    return path


def test_rates_add_up_to_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups = [group(50, 1), group(20, 2)]
    first, second = stream(tmp_path / "a.vqt", groups), stream(tmp_path / "b.vqt", groups[:1])
    out = tmp_path / "rates.json"
    assert rates.main([str(tmp_path), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert rates.lines(out) == text.splitlines()
    known = rates.Rates.load(out)
    sizes = 0
    for path in (first, second):
        with path.open("rb") as handle:
            reader = Reader(handle)
            assert len(list(reader)) >= 2
            sizes += reader.sizes.motion
    assert sum(layer.coded_bytes for layer in known.layers) == sizes
    assert known.frames == 120 and known.seconds == pytest.approx(4.8)
    assert known.conditions["files"] == ["a", "b"] and str(tmp_path) not in out.read_text(
        encoding="utf-8"
    )
    assert f"{8 * sizes / 4.8 / 1000:.3f}" in text and "2 streams, 120 frames" in text
    assert rates.main([str(first)]) == 0 and "ideal, counting" in capsys.readouterr().out


def test_what_is_no_rates_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rates.main([str(tmp_path)]) == UsageError.exit_code
    with pytest.raises(FileNotFoundError):
        rates.lines(tmp_path / "absent.json")
    for text in ("{", "[]", '{"schema_version": 2}', '{"schema_version": 1}'):
        (tmp_path / "x.json").write_text(text, encoding="utf-8")
        for lines in (rates.lines, rdcurve.lines, lossreport.lines, layertable.lines):
            with pytest.raises(UsageError, match="is not"):
                lines(tmp_path / "x.json")
        assert (
            rdplot.main([str(tmp_path / "x.json"), str(tmp_path / "x.svg")]) == UsageError.exit_code
        )
    assert "hint" not in capsys.readouterr().out


def test_a_typed_error_keeps_its_exit_code_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    def exists() -> int:
        raise OutputExistsError("x.png exists", hint="Pass --force.")

    assert told(exists) == OutputExistsError.exit_code != MediaError.exit_code
    assert capsys.readouterr().err == "error: x.png exists\nPass --force.\n"
    assert told(lambda: 3) == 3


def point(strength: float, layers: int, kbps: float, perc: float) -> rdcurve.MotionPoint:
    return rdcurve.MotionPoint.of(
        strength,
        layers,
        [
            dict(motion_kbps=kbps - 1, perc=perc, lmd=0.02, lmd_mouth=0.03, psnr_db=20),
            dict(motion_kbps=kbps + 1, perc=perc, lmd=0.02, lmd_mouth=0.03, psnr_db=22),
        ],
    )


def test_curve_as_json_table_and_picture(tmp_path: Path) -> None:
    known = {
        "clips": ["a", "b"],
        "every": 5,
        "side_px": 256,
        "date_utc": "2026-11-22",
        "motion_space": "m",
        "renderer": "r",
    }
    curve = rdcurve.MotionCurve(
        known, [point(0, 4, 4.0, 0.5), point(1, 4, 3.0, 0.51), point(0, 2, 2.0, 0.6)]
    )
    path, picture = tmp_path / "c.json", tmp_path / "c.svg"
    curve.save(path)
    assert rdcurve.MotionCurve.load(path) == curve
    assert rdplot.main([str(path), str(picture)]) == 0
    lines = rdcurve.lines(path)
    assert (
        "| `--rdo 1` | 3.00 | 25.0 % | 21.00 | 0.5100 | +2.0 % | 0.02000 | +0.0 % | 0.03000 | +0.0 % |"
        in lines
    )
    assert any(line.startswith("| `--layers 2` | 2.00 | 50.0 %") for line in lines)
    drawn = picture.read_bytes()
    assert b"perceptual distance" in drawn and b"landmark distance" in drawn and b"--rdo" in drawn
    assert rdplot.main([str(path), str(picture)]) == 0 and picture.read_bytes() == drawn


def test_marked_parts_are_replaced_alone(tmp_path: Path) -> None:
    text = f"a\n{begin('x', 'cmd')}\nold\n{end('x')}\nb\n"
    made = updated(text, "x", "cmd", ["new"])
    assert made == f"a\n{begin('x', 'cmd')}\n\nnew\n\n{end('x')}\nb\n"
    assert updated(made, "x", "cmd", ["new"]) == made
    for broken in ("", text + text, f"{end('x')}{begin('x', 'cmd')}"):
        with pytest.raises(UsageError, match="'x'"):
            updated(broken, "x", "cmd", [])
    page = tmp_path / "p.md"
    page.write_text(text, encoding="utf-8")
    assert (
        replaced(page, "x", "cmd", ["new"], check=True) == 1
        and page.read_text(encoding="utf-8") == text
    )
    assert replaced(page, "x", "cmd", ["new"]) == 0 and page.read_text(encoding="utf-8") == made


def test_a_price_saves_bits_on_a_real_face(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole command, with the shipped models."""
    write_video(tmp_path / "face.mp4", moving(20))
    out = tmp_path / "rdo.json"
    assert (
        rdo.main(["--data", str(tmp_path), "--out", str(out), "--every", "7", "--strengths", "0,4"])
        == 0
    )
    plain, priced, three, two, one = rdcurve.MotionCurve.load(out).points
    assert (priced.strength, three.layers, one.layers) == (4, 3, 1)
    assert plain.motion_kbps > 1.1 * priced.motion_kbps
    assert plain.motion_kbps > three.motion_kbps > two.motion_kbps >= one.motion_kbps
    assert plain.lmd <= min(three.lmd, two.lmd)
    assert plain.psnr_db >= three.psnr_db >= two.psnr_db
    assert 0 < priced.perc < 1.5 * plain.perc
    assert "`--rdo 4`" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "a", "0,-1", "nan", "0,101"])
def test_strengths_that_are_none(text: str, tmp_path: Path) -> None:
    assert rdo.main(["--data", str(tmp_path), f"--strengths={text}"]) == UsageError.exit_code


def test_a_frame_without_a_face_is_compared_too() -> None:
    square = np.zeros((512, 512, 3), np.uint8)
    tracked = rdo.Tracked(make_head(), [(face(0, square), None), (face(1, None), None)])
    with rdo.Measure(1) as judge:
        pictures, points = judge.reference(tracked)
    assert pictures.shape == (2, 256, 256, 3) and points == [None, None]


def face(index: int, square: np.ndarray | None) -> rdo.FaceFrame:
    points = np.zeros((478, 2), np.float32)
    found = None if square is None else Face(Crop(512, 512, 0, 0, 512), square, points)
    return rdo.FaceFrame(index, Fraction(index, 25), 0, found)


def test_coded_and_decoded_streams_agree() -> None:
    sink = io.BytesIO()
    with Writer(sink, replace(make_head(layers=4), audio=None)) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(MotionGroup(0, np.arange(5), np.zeros(5, np.bool_), group(5, 9)))
    read = [item for item in Reader(io.BytesIO(sink.getvalue())) if isinstance(item, MotionGroup)]
    np.testing.assert_array_equal(read[0].indices, group(5, 9))
