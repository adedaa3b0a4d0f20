"""Pictures whose codec changes midway, as where a transport stream goes on in another one: libav opens a stream's decoder once.

Only MPEG streams do that, and their packets begin with start codes that tell which codec they are of.
"""

from __future__ import annotations

from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vqcodec.media.picture.colour import MAX_PIXELS

_START, _LOOKED_AT_BYTES = b"\0\0\1", 64
_H264_DELIMITER, _H264_PARAMETERS = 9, 7
_HEVC_STARTS = (b"\x46\1", b"\x40\1")  # a delimiter, parameters
_MPEG2_SEQUENCE = 0xB3


class PictureDecoder:
    """Decodes the packets of one stream.

    Attributes:
        changes: how often it went on in another codec.
    """

    def __init__(self, stream: VideoStream, container: str) -> None:
        """`container` is libav's name of the file's format."""
        self._context: VideoCodecContext = stream.codec_context
        self._codec = _name(self._context)
        self.changes = 0
        self._may_change = container == "mpegts"

    def decode(self, packet: Any) -> list[VideoFrame]:
        """Pictures that are ready; an empty packet gives the last ones. Raises what PyAV does."""
        if self._may_change and packet.size:
            codec = codec_of(bytes(packet)[:_LOOKED_AT_BYTES])
            if codec not in ("", self._codec):
                return [*self._changed(codec, packet), *self._context.decode(packet)]
        return list(self._context.decode(packet))

    def _changed(self, codec: str, packet: Any) -> list[VideoFrame]:
        """Go on with another codec; gives what the old one still held."""
        rest = list(self._context.decode(None))
        for frame in rest:
            frame.time_base = packet.time_base
        context: Any = av.CodecContext.create(codec, "r")
        context.options = {"max_pixels": str(MAX_PIXELS)}
        self._context, self._codec = context, codec
        self.changes += 1
        return rest


def codec_of(head: bytes) -> str:
    """Which codec a packet of these first bytes begins anew in; "" where it goes on, or isn't known."""
    at = head.find(_START)
    following = head[at + len(_START) :][:2]
    if at < 0 or len(following) < 2:
        return ""
    if following[0] == _MPEG2_SEQUENCE:
        return "mpeg2video"
    if following in _HEVC_STARTS:
        return "hevc"
    is_h264 = following[0] == _H264_DELIMITER or following[0] & 0x9F == _H264_PARAMETERS
    return "h264" if is_h264 else ""


def _name(context: VideoCodecContext) -> str:
    return str(getattr(context.codec, "canonical_name", "") or context.name)
