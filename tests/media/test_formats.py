"""What is opened: recordings of every usual format, and no text that leads to other files of this machine."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from tests.support.media import Pipe, clicks, make_clip, times_at
from vqcodec.errors import MediaError
from vqcodec.media.picture.formats import opened_formats
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.sound.source import SoundSource

LEADING = {
    "concat": "ffconcat version 1.0\nfile secret.mp4\n",
    "concat with options": "ffconcat version 1.0\nfile 'secret.mp4'\noption format_whitelist ALL\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\nm=video 49170 RTP/AVP 31\nc=IN IP4 127.0.0.1\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
    "svg": "<svg xmlns='http://www.w3.org/2000/svg'><image href='secret.mp4'/></svg>",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings that nobody asked for."""
    path = tmp_path_factory.mktemp("local")
    for name in ("secret.mp4", "secret.ts"):
        make_clip(path / name, times_at(25, 5), sound=clicks(0.2))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8", "a.txt", "a.ffconcat", "a.jpg", "a.wav"])
@pytest.mark.parametrize("kind", LEADING)
def test_a_text_that_leads_elsewhere_is_refused(folder: Path, kind: str, name: str) -> None:
    (folder / name).write_text(LEADING[kind])
    data = (folder / name).read_bytes()
    for source in (folder / name, io.BytesIO(data), io.BufferedReader(Pipe(data))):
        for reader in (VideoSource, SoundSource):
            with pytest.raises(MediaError) as caught:
                reader(source)
            assert caught.value.hint


@pytest.mark.parametrize("kind", ["concat", "hls"])
def test_a_playlist_is_read_on_request(folder: Path, kind: str) -> None:
    path = folder / f"{kind}.txt"
    path = path.with_suffix(".m3u8") if kind == "hls" else path
    path.write_text(LEADING[kind])
    with VideoSource(path, playlist=True) as source:
        assert len(list(source)) == 5
    with pytest.raises(MediaError) as caught:
        VideoSource(path)
    assert "--playlist" in caught.value.hint


def test_every_format_is_known() -> None:
    known = {name for names in av.formats_available for name in names.split(",")}
    assert set(opened_formats(playlist=True).split(",")) <= known
    gone = set(opened_formats(playlist=True).split(",")) - set(
        opened_formats(playlist=False).split(",")
    )
    assert gone == {"hls", "concat"}
