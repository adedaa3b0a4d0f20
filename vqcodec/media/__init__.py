"""Video, sound and stills in and out. PyAV and Pillow live here and nowhere else.

The time model, which every module of this package keeps:

* Time zero is the presentation time of the first video frame. Every time is a `Fraction` in seconds since then.
* Sound runs at 48 kHz. Sample n is heard at n / 48000 s: sound that begins before the first frame is trimmed, sound that
  begins after it is preceded by silence, and holes in the timestamps are filled with silence, so sample 0 is at time
  zero and drift can't build up.
* A file is read once, front to back; nothing is kept that grows with its length.

Modules (import names from them, this package imports nothing by itself):

    rates.py    exact rates and times from PyAV            output.py  files that appear whole or not at all
    probe.py    probe() -> MediaInfo                       source.py  VideoSource: frames and sound of one pass
    audio.py    AudioEncoder, AudioDecoder (Opus)          sink.py    VideoSink: H.264 + AAC or Opus
    stills.py   AVIF stills, portraits                     items.py   AudioBlock, AudioPacket, Source, Target
"""
