"""What a dub tells of the models that made it."""

from __future__ import annotations

import io
from pathlib import Path

from tests.support.dub import BEHAVIOUR_ID, dub_parts, spoken, write_portrait, write_wav
from vqcodec.dubbing.pipeline import dub


def test_made_up_motion_names_its_behaviour(tmp_path: Path) -> None:
    speech = write_wav(tmp_path / "speech.wav", spoken(1.0))
    portrait = write_portrait(tmp_path / "portrait.png")
    report = dub(speech, portrait, io.BytesIO(), parts=dub_parts())
    assert report.behaviour == BEHAVIOUR_ID
    fields = report.to_json()
    assert fields["behaviour"] == str(BEHAVIOUR_ID)
    assert fields["behaviour_sha256"] == BEHAVIOUR_ID.sha256.hex()
