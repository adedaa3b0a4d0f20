"""Files joined from takes of one person: who is taken, what is in them, and where their bits go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.evaluation import moving, write_video
from vqcodec.comparison import points as vqtpoints
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.lab.compare import joined, long
from vqcodec.lab.compare.joined import Take

HEAD = "file\tsplit\tseconds\tsize_px\tidentity\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "train").mkdir()
    for name, frames in (("a", 15), ("b", 20)):
        write_video(folder / "train" / f"{name}.mp4", moving(frames, side_px=512))
    rows = ["train/b.mp4\ttrain\t0.8\t512\t7", "train/a.mp4\ttrain\t0.6\t512\t7"]
    (folder / "index.tsv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_the_person_with_the_fewest_and_longest_takes_is_chosen(tmp_path: Path) -> None:
    rows = [
        "1.mp4\ttrain\t40\t512\ta",
        "2.mp4\ttrain\t20\t512\tb",
        "3.mp4\ttrain\t15\t512\tb",
        "4.mp4\ttrain\t30\t512\tc",
        "5.mp4\ttrain\t10\t512\tc",
        "6.mp4\tval\t90\t512\tc",
        "7.mp4\ttrain\t90\t256\tb",
        *(f"d{k}.mp4\ttrain\t12\t512\td" for k in range(9)),
    ]
    (tmp_path / "index.tsv").write_text(HEAD + "\n".join(rows), encoding="utf-8")
    takes = joined.takes_by_identity(tmp_path)
    assert [t.file for t in takes["c"]] == ["4.mp4", "5.mp4"]  # no val clip
    assert [t.file for t in takes["b"]] == ["2.mp4", "3.mp4"]  # no small one
    assert joined.chosen(takes, 30)[0] == "c"  # a has a single take; c's last longer than b's
    who, own = joined.chosen(takes, 30, ["c"])
    assert who == "b" and [t.seconds for t in own] == [20, 15]
    assert joined.chosen(takes, 60) == ("d", [Take(f"d{k}.mp4", 12) for k in range(5)])
    assert joined.chosen(takes, 100, ["d"])[0] == "d"
    with pytest.raises(UsageError, match="takes last 200 s"):
        joined.chosen(takes, 200)
    with pytest.raises(UsageError, match="no list of takes"):
        joined.takes_by_identity(tmp_path / "absent")


def test_takes_follow_each_other_and_are_cut(corpus: Path, tmp_path: Path) -> None:
    takes = joined.takes_by_identity(corpus)["7"]
    reference = joined.join(corpus, takes, 1, tmp_path / "deep" / "x.mp4")
    assert (reference.frames, reference.side_px, reference.sound) == (25, 512, False)
    shown = read_frames(reference.path, 64)
    first, second = (read_frames(corpus / take.file, 64) for take in takes)
    wanted = np.concatenate([first, second[:5]])
    assert shown.shape == wanted.shape
    gaps = np.abs(shown[:, None].astype(int) - wanted[None]).mean((2, 3, 4))
    assert gaps.diagonal().max() < 1.5 < gaps[19, 20]  # 20: the second take begins
    with pytest.raises(MediaError, match="last 7/5 s, not 2 s"):
        joined.join(corpus, takes, 2, tmp_path / "y.mp4")


def test_bits_by_part_and_the_page(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("stlpips_pytorch")
    refused = vqtpoints.at_rate(1)
    monkeypatch.setattr(long, "SETTINGS", (vqtpoints.SETTINGS[0], refused))
    out, kept = tmp_path / "long.json", tmp_path / "kept"
    options = ["--data", str(corpus), "--out", str(out), "--keep", str(kept)]
    assert long.main([*options, "--seconds", "1", "--every", "12"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines() == long.lines(out) and (kept / "joined-1s.mp4").is_file()
    assert "They are training clips" in shown and "can't be coded at 1 kbit/s" in shown
    assert len({line.count("|") for line in shown.splitlines() if line.startswith("|")}) == 1
    data: dict[str, Any] = long.read(out)
    (case,) = data["cases"]
    assert (case["identity"], case["takes"]) == ("7", ["train/b.mp4", "train/a.mp4"])
    point = case["points"][0]
    parts = point["portrait_kbps"] + point["motion_kbps"] + point["container_kbps"]
    assert parts == pytest.approx(point["file_kbps"], rel=1e-3)
    first = point["first_bytes"] * 8 / 1000
    assert point["running_kbps"] == pytest.approx(point["file_kbps"] - first, rel=1e-3)
    assert 0 < first <= point["portrait_kbps"] and point["perc"] < 0.5 and point["portraits"] >= 1


@pytest.mark.parametrize("options", [["--seconds", "x"], ["--seconds", "0"], ["--every", "0"]])
def test_wrong_options(options: list[str], corpus: Path) -> None:
    assert long.main(["--data", str(corpus), *options]) == UsageError.exit_code
