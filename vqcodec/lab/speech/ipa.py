"""espeak-ng's phone names of many languages as one inventory of 53 classes, which mean the same in all of them.

Length, stress, tone, aspiration, nasality and other marks are dropped; close neighbours share a class; a diphthong, or a
vowel with its consonant, is the sequence of its parts.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

SILENCE = "_"

# class: the symbols that fall into it besides itself
_CLASSES: dict[str, str] = {
    SILENCE: "",
    "i": "",
    "ɪ": "ᵻ",
    "y": "ʏ",
    "ɯ": "ɨ",
    "u": "",
    "ʊ": "",
    "e": "",
    "ɛ": "",
    "ø": "œ ɵ oe eo",
    "ə": "ɜ ɚ ɝ ɤ",
    "o": "",
    "ɔ": "ɒ",
    "æ": "",
    "a": "ɐ aa",
    "ɑ": "",
    "ʌ": "",
    "p": "",
    "b": "",
    "t": "ʈ",
    "d": "ɖ",
    "c": "",
    "ɟ": "",
    "k": "q",
    "ɡ": "g",
    "ʔ": "?",
    "f": "ɸ",
    "v": "ʋ β",
    "θ": "",
    "ð": "",
    "s": "",
    "z": "",
    "ʃ": "ɕ ʂ",
    "ʒ": "ʐ ʑ",
    "ç": "",
    "x": "χ",
    "ɣ": "",
    "h": "ħ ɦ",
    "ʁ": "",
    "ʕ": "",
    "ts": "tθ",
    "tʃ": "tɕ tʂ",
    "dʒ": "dʑ dʐ dz",
    "m": "ɱ",
    "n": "ɳ",
    "ɲ": "",
    "ŋ": "ɴ nɡ ng",
    "l": "ɫ ʎ ɭ",
    "r": "",
    "ɾ": "ɽ",
    "ɹ": "ɻ",
    "j": "ʝ ʲ",
    "w": "ʍ",
}
CLASSES = tuple(_CLASSES)
_SYMBOLS = {symbol: name for name, others in _CLASSES.items() for symbol in (name, *others.split())}
_LONGEST = max(map(len, _SYMBOLS))

# what a language's voice writes otherwise than IPA
_OWN: dict[tuple[str, str], str] = {
    ("cmn", "i."): "ɯ",
    ("cmn", "i̪"): "ɯ",
    ("cmn", "o-"): "ə",
    ("yue", "z"): "ts",
    ("yue", "c"): "ts",
    ("yue", "yu"): "y",
    ("yue", "eoi"): "øi",
    ("yue", "a"): "ʌ",
    ("yue", "ai"): "ʌi",
    ("yue", "au"): "ʌu",
    ("yue", "anɡ"): "ʌŋ",
}
_RETROFLEX = {"s.": "ʂ", "z.": "ʐ", "r.": "ɽ", "t.": "ʈ", "d.": "ɖ", "n.": "ɳ", "l.": "ɭ"}
_ASPIRATED = ("p", "t", "k", "ts", "tʃ", "ʈ")


def _plain(name: str) -> str:
    """A name without its marks: combining ones (but ç is a letter), length, stress, hyphens and raised letters."""
    for written, symbol in _RETROFLEX.items():
        name = name.replace(written, symbol)
    name = unicodedata.normalize("NFD", name).replace("c\u0327", "ç")
    if name == "ʲ":
        return name
    return "".join(
        c
        for c in name
        if c in _SYMBOLS or unicodedata.category(c) not in ("Mn", "Lm", "Sk", "Po", "Pd")
    ).replace("ʲ", "")


@lru_cache(maxsize=4096)
def segments(name: str, language: str = "") -> tuple[str, ...]:
    """The classes that a phone goes through, one after another.

    Args:
        name: espeak-ng's, for example "aɪ", "tɕh", "ɑ̃"; "_" is silence.
        language: its code, for spellings of that language's voice.

    Returns:
        Classes of `CLASSES`; () when the name holds a symbol that no class knows.
    """
    if name == SILENCE:
        return (SILENCE,)
    rest = _OWN.get((language, name)) or _plain(name)
    found: list[str] = []
    while rest:
        if rest[0] == "h" and found and found[-1] in _ASPIRATED:
            rest = rest[1:]
            continue
        length = next(
            (n for n in range(min(_LONGEST, len(rest)), 0, -1) if rest[:n] in _SYMBOLS), 0
        )
        if not length:
            return ()
        part = _SYMBOLS[rest[:length]]
        if not found or found[-1] != part:
            found.append(part)
        rest = rest[length:]
    return tuple(found)
