"""Which formats are opened: those that hold a recording, sound or a picture in one file.

Libav goes by a file's content, and some of what it knows are scripts: a playlist or a concat list, under whatever name, makes
it open further files of this machine, whose content would then be in the output. Such formats are opened on request only.
"""

from __future__ import annotations

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        [
            "3gp",
            "avi",
            "flv",
            "m2ts",
            "m4v",
            "mkv",
            "mov",
            "mp4",
            "mpeg",
            "mpg",
            "mts",
            "mxf",
            "ogv",
            "ts",
            "webm",
            "wmv",
        ]
    )
)
"""What is taken for a video in a folder; a file that is named may be called as it likes."""

_RECORDINGS = """
    mov mp4 matroska webm avi flv live_flv kux mpegts mpeg mpegvideo m4v h261 h263 h264 hevc vvc evc av1 obu ivf mjpeg
    mjpeg_2000 mpjpeg smjpeg asf asf_o mxf gxf ogg nut nuv nsv rm dv wtv ty pva pmp gif apng yuv4mpegpipe vc1 vc1test dirac
    cavsvideo avs2 avs3 apv swf dhav mlv lmlm4 iamf
"""
_SOUNDS = """
    wav w64 aiff au caf mp3 aac ac3 eac3 ac4 flac amr amrnb amrwb loas dts dtshd truehd mlp tta tak wv ape mpc mpc8 voc dsf
    iff sox gsm oma ast sbc aptx aptx_hd lc3 ilbc qcp act xwma shn bonk osq codec2 sds spdif pvf nistsphere ircam avr
"""
_PICTURES = """
    image2 bmp_pipe dpx_pipe exr_pipe gif_pipe hdr_pipe j2k_pipe jpeg_pipe jpegls_pipe jpegxl_pipe jpegxl_anim pam_pipe
    pbm_pipe pcx_pipe pfm_pipe pgm_pipe phm_pipe png_pipe ppm_pipe psd_pipe qoi_pipe sgi_pipe sunrast_pipe tiff_pipe
    webp_pipe xbm_pipe xpm_pipe xwd_pipe
"""
_PLAYLISTS = "hls concat"


def opened_formats(*, playlist: bool) -> str:
    """The names of libav's demuxers that may open a file, with commas between.

    Args:
        playlist: those that open further files are among them.
    """
    names = " ".join((_RECORDINGS, _SOUNDS, _PICTURES, _PLAYLISTS if playlist else ""))
    return ",".join(names.split())
