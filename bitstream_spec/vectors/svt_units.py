"""Units of an AV1 encoder (SVT-AV1 through PyAV, CRF 63): a drawn face at 512x512, four portraits in two branches.

Kept as bytes: another version of the encoder would make others.
"""

import base64

DEPENDS_ON = (None, 0, 1, 0)
UNITS = tuple(
    base64.b64decode(text)
    for text in (
        "Cg4AAAAMR//+/fzICAgIIDL5BhQApagQ3wtWwaIz+Ckt+HtpzjEgPjc5OwQgcgJOgl2skZutJi4OAGGi6NSwccl/XPvCp+Bb"
        "HO9xC///7CH5Gv8IhFr//ytFJE949kTNvt1uq0EAqZYWJtQODjuOz4Qck4ICf9jVAJhJiHEQQfGNWREVsq/EgB1PAYLIvcQ4"
        "NStzZds7KlPWuGNyEzyKHNUT/GF6YTlaApEKwJFJ5IQElkSDkZsWir3ayfih0o/tUa8KlPGstw92AFmn/////f070uU0H4qi"
        "lJoKHHeR6qA8atsYeDgo7zicUHu9KMKUvTeFA+tUr/YBUO8I8mNkcIIK9K5j8wF11t4zw7X/yggcQO63fZyQFC+MYJSU05qT"
        "AYiGdUqbVoaWhalbb1o+BeOwPBfCkpzt2B1cpBs3/DdiHO6dOknDDsFJaSqAgd1/xo7WLts3QebddcR0BC064KJsAAAvYYEs"
        "jPD1avPQduQoYnWaxeatL4cXKBqa6wnijfhMnfK/QHRe6U0xYT5Uswteq3GPqduBWFHJ++S9nUs4Q1wYuHyr/Ogr/a4XgDNy"
        "JGPFmOuWI2FvlkItfTKme+ACPpz7R1xeMJG8WIVXsVT3P5f6e2HqKMTXwQS+HGMUnFfvJi1LI+EYj7eHmU0tCH1+/yscBWzZ"
        "Hgx7nWh0Ooekbylgr2XgCVlBwZWMvTLhH6Q9SJuzndJ8rARbSeVpc8le3/K6IvimHTJSV7y8I/AfASsKsMjhbY8mHu8svaDh"
        "/j6TKxBAAEsiSp1rs0HMJAkIbvWC3TljixmNGFtVwYdcyk60YNfoJk/kS+JG+zDnlWHlIes9zwJRYziSqxSO5YemFY+ceHl9"
        "IgvlC8NvIi48QhBlxVenP4XC73pkVcNoYzbOnhMJqhUaB1DIipmx6TemsHBoOJ/bY2EAhnJiwO2LmnaNNmigbv8jqt5Q0ghU"
        "x49ugYcX5mHY49yoD5AtluOlSHUsC1oDkcDfiSPtew8QHGh3LhwpOF58498AAACf10cSKwujPvIGScZNVWIhPjqJyYFyS8mj"
        "DHuD3R8ZmYTl2tPLF2CPJfbqb3RT93Fr7huKhIpOwilXoWk6fNy8lcJBc5u1Vz7VSw31qLNh/8SRZ22pW3m+oONgxJ//4ubK"
        "vwlq8e4J7z9Jus9qdX0fdwaFGWy623MCj5Xb/92tEjQC/lsQ9+Bkd+NRILA=",
        "MjgwAgIJJW06fgFFAAAZ2gAwAJDZqcSoZOqIaeJKFFqNfmhrbDaPGDwFCCEsorO/+Zdb5BfWI0a6FQ==",
        "Mj0wBAQJJNs6fAEcYAAYAAA4AJFQGRNUYcRgQpdCmJ50Wg2KTDeGxK8/hSjqMY3qcoDDv95mqGzW/sBlqDoM",
        "MjMwAgIJJW06fgCCAAAYAAAwAJDqJhmIE5lns317kO8yK8UNws5yFikt3pFbMyvNjqcToIA=",
    )
)
