"""What a bit buys: this codec beside ordinary video codecs, on the same clips, at the same rates (`vqcodec compare`).

results     the values of a comparison and their JSON (README.md describes the schema)
variants    picture sizes and frame rates an anchor may be coded at
anchors     H.264, H.265, AV1 and VP9 through PyAV
vqtpoints   this codec at several rates
measure     every metric of one decoded clip
runner      all clips, codecs and points; resumable
envelope    the best of an anchor's variants at each rate; BD-rates
report      curves, sheets, side-by-side videos and the HTML page
"""
