"""What a bit buys: this codec beside ordinary video codecs, on the same clips, at the same rates (`vqcodec compare`).

* settings, results: what is asked for; the values of a comparison and their JSON (README.md describes the schema)
* reference: the clip everybody codes
* anchors: H.264, H.265, AV1 and VP9 through PyAV, their smallest files, the sizes and frame rates they may be coded at,
  and which quality gives which rate
* points: this codec at several rates
* measure, optional: every metric of one decoded clip
* task, coding, store: one clip and one codec, how its points are made, and what is kept of them
* worker, processes, runner: all clips, codecs and points; shared out, resumable
* analysis: the best of an anchor's variants at each rate, BD-rates, means over clips, and their words
* page: curves, sheets, videos, the HTML page, and the summary that the command prints
"""
