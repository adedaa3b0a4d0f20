"""What a bit buys: this codec beside ordinary video codecs, on the same clips, at the same rates (`vqcodec compare`).

* settings, results: what is asked for; the values of a comparison and their JSON (README.md describes the schema)
* reference, variants: the clip everybody codes; the sizes and frame rates an anchor may be coded at
* anchors, mux: H.264, H.265, AV1 and VP9 through PyAV; their smallest files
* vqtpoints: this codec at several rates
* search: which quality gives which rate
* measure, optional: every metric of one decoded clip
* worker, store: one clip and one codec, and what is kept of it
* runner: all clips, codecs and points; resumable
* envelope, overall: the best of an anchor's variants at each rate; BD-rates; means over clips
* summary, tables: the means alone, small enough for a repository; tables for a page
* curves, sheet: pictures of both kinds
* videos, sidebyside: decoded videos, one by one and in a grid
* report, page, embed: the HTML page; words and palette are used all over it
* terminal: the summary that the command prints
"""
