"""The contact sheet of a dub: what it shows, where it goes, and what stops it before anything is made."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.dub import dub_parts, spoken, write_portrait, write_wav
from vqcodec.config import DubOptions
from vqcodec.container import verify
from vqcodec.dubbing.pipeline import dub
from vqcodec.errors import OutputExistsError, UsageError


def test_a_sheet_beside_a_stream(tmp_path: Path) -> None:
    speech = write_wav(tmp_path / "a.wav", spoken(1))
    portrait = write_portrait(tmp_path / "p.png")
    plain, target = io.BytesIO(), io.BytesIO()
    dub(speech, portrait, plain, parts=dub_parts())
    options = DubOptions(sheet=tmp_path / "sheet.png")
    dub(speech, portrait, target, options, parts=dub_parts())
    assert target.getvalue() == plain.getvalue() and verify(io.BytesIO(target.getvalue()))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (4 * 260 + 4, 3 * 260 + 4)
        shown = np.asarray(sheet)
    assert shown[-100, -100].tolist() != [255, 255, 255]  # the last tile is there
    with pytest.raises(OutputExistsError):
        dub(speech, portrait, io.BytesIO(), options, parts=dub_parts())


def test_sheets_that_cannot_be(tmp_path: Path) -> None:
    speech = write_wav(tmp_path / "a.wav", spoken(0.2))
    portrait = write_portrait(tmp_path / "p.png")
    for sheet, told in ((tmp_path / "sheet.gif", "sheet as .gif"), (portrait, "is the input")):
        with pytest.raises(UsageError, match=told):
            dub(speech, portrait, tmp_path / "o.vqt", DubOptions(sheet=sheet), parts=dub_parts())
    assert not (tmp_path / "o.vqt").exists()
