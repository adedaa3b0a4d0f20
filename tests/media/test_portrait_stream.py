"""Portraits as units of one AV1 sequence: coded in branches, decoded along a path."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.errors import BitstreamError
from vqcodec.media.still.portrait_coder import CodedUnit, PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder

SIDE_PX = 64
QUICK = 10


def picture(number: int) -> NDArray[np.uint8]:
    """A disc on a slope, further right in each."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    disc = np.hypot(x - 16 - 6 * number, y - 32) < 12
    rgb = np.stack([x * 3, x * 3, x * 3], -1)
    rgb[disc] = 230
    return rgb.clip(0, 255).astype(np.uint8)


def coded(count: int, step: int = 1, **options: int) -> list[CodedUnit]:
    coder = PortraitCoder(20, preset=QUICK, size_px=SIDE_PX, **options)
    units = [coder.add(picture(number * step)) for number in range(count)]
    coder.close()
    return units


def path(units: list[CodedUnit], number: int) -> list[bytes]:
    before = units[number].depends_on
    return [*([] if before is None else path(units, before)), units[number].unit]


def near(shown: NDArray[np.uint8], real: NDArray[np.uint8]) -> bool:
    return float(np.abs(shown.astype(int) - real).mean()) < 4


def test_branches_begin_at_the_first_portrait() -> None:
    units = coded(7, branch_units=3)
    assert [u.depends_on for u in units] == [None, 0, 1, 2, 0, 4, 5]
    assert not any(u.unit.startswith(b"\x12\x00") for u in units)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 2, 4, 0), (3,)])
def test_every_portrait_comes_back_whatever_was_decoded_before(order: tuple[int, ...]) -> None:
    units = coded(6, branch_units=2)
    decoder, fresh = PathDecoder(SIDE_PX), {}
    for number in range(6):
        fresh[number] = PathDecoder(SIDE_PX).picture(path(units, number))
        assert near(fresh[number], picture(number))
        assert not near(fresh[number], picture((number + 3) % 6))
    for number in order:
        assert np.array_equal(decoder.picture(path(units, number)), fresh[number])


def test_later_portraits_cost_less_than_the_first() -> None:
    units = coded(3, step=0)
    assert max(len(u.unit) for u in units[1:]) < len(units[0].unit) / 5


def test_another_size_is_refused() -> None:
    units = coded(1)
    for side_px in (32, 128):
        with pytest.raises(BitstreamError) as caught:
            PathDecoder(side_px).picture([units[0].unit])
        assert caught.value.code == "bad-unit"


def test_damage_is_refused_and_the_decoder_goes_on() -> None:
    units, decoder = coded(2), PathDecoder(SIDE_PX)
    for broken in (b"\x00", units[0].unit[: len(units[0].unit) // 2], units[1].unit):
        with pytest.raises(BitstreamError) as caught:
            decoder.picture([broken])
        assert caught.value.code == "bad-unit"
    assert near(decoder.picture(path(units, 1)), picture(1))


def test_a_coder_that_nobody_closes_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """As where `encode --live` is stopped: SVT-AV1 complains by itself."""
    coder = PortraitCoder(50, preset=12, size_px=64)
    coder.add(np.zeros((64, 64, 3), np.uint8))
    del coder
    gc.collect()
    assert capfd.readouterr().err == ""
