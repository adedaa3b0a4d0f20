"""Every row of the table: read as it should look, or refused by its name; through a path and through a file object."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from tests.media.pictures.table import ROWS, Odd
from vqcodec.errors import MediaError
from vqcodec.media.still.picture_file import load_picture


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_strange_pictures_are_read_right(tmp_path: Path, row: Odd) -> None:
    path = tmp_path / row.name
    row.make(path)
    for source in (path, io.BytesIO(path.read_bytes())):
        if row.rgb is None:
            with pytest.raises(MediaError) as caught:
                load_picture(source)
            assert row.says in f"{caught.value} {caught.value.hint}"
            continue
        picture = load_picture(source)
        assert picture.rgb.shape == row.rgb.shape
        assert np.abs(picture.rgb.astype(int) - row.rgb).mean() <= row.within
        told = " ".join(picture.warnings)
        assert (row.says in told) if row.says else not told
