"""The shipped landmark basis and mean head, read once."""

from __future__ import annotations

from functools import lru_cache

from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.headpose import HeadShape, read_head
from vqcodec.models import store


@lru_cache(maxsize=1)
def shipped_basis() -> LandmarkBasis:
    """The landmark basis of the shipped motion space, with the units of the one without a field."""
    return read_basis(store.plain_motion_space().path)


@lru_cache(maxsize=1)
def shipped_head() -> HeadShape:
    """The shipped mean head."""
    return read_head(store.current("head").path)
