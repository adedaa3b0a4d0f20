"""The .vqt container (bitstream_spec/vqt.md): reading, writing, checking and thinning streams.

            HEAD   KEYF   MOTN AUDO MOTN AUDO ...   INDX   IEND
             |      |      |    |                    |      |
    Head ----+      |      |    +-- AudioGroup       |      +-- totals
    KeyFrame -------+      +------- MotionGroup      +-- StreamIndex

In major version 2 PORT stands in the place of KEYF and holds a PortraitUnit.

Integers and bytes only: no model, no picture and no sound is decoded here.
"""

from __future__ import annotations

from vqcodec.container.faults import UnsupportedStreamError
from vqcodec.container.index import IndexEntry, IndexKind, StreamIndex
from vqcodec.container.payloads import CodedGroup
from vqcodec.container.portraits import RelativePortrait
from vqcodec.container.reader import Reader
from vqcodec.container.recover import RecoveringReader
from vqcodec.container.survey import ShotSurvey, Survey, survey
from vqcodec.container.thin import thin
from vqcodec.container.verify import VerifyReport, verify
from vqcodec.container.writer import Writer

__all__ = [
    "CodedGroup",
    "IndexEntry",
    "IndexKind",
    "Reader",
    "RecoveringReader",
    "RelativePortrait",
    "ShotSurvey",
    "StreamIndex",
    "Survey",
    "UnsupportedStreamError",
    "VerifyReport",
    "Writer",
    "survey",
    "thin",
    "verify",
]
