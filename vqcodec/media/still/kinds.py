"""What kind of picture a file's first bytes say it is, for messages about those that can't be read."""

from __future__ import annotations

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")
_STARTS = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"FUJIFILMCCD-RAW", "camera raw (RAF)"),
    (b"IIU\0", "camera raw (RW2)"),
    (b"IIRO", "camera raw (ORF)"),
    (b"IIRS", "camera raw (ORF)"),
    (b"MMOR", "camera raw (ORF)"),
    (b"II*\0\x10\0\0\0CR", "camera raw (CR2)"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"v/1\x01", "OpenEXR"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"<svg", "SVG"),
    (b"gimp xcf", "GIMP (XCF)"),
    (b"DDS ", "DDS"),
    (b"\0\0\1\0", "Windows icon"),
    (b"qoif", "QOI"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"AT&TFORM", "DjVu"),
)


def picture_kind(head: bytes) -> str:
    """The name of the format that a file with these first bytes (some hundred) is in; "" where they say nothing."""
    if head[4:8] == b"ftyp":
        return _of_brand(head[8:12], head[16:64])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head.lstrip().startswith(b"<?xml") and b"<svg" in head:
        return "SVG"
    return next((name for start, name in _STARTS if head.lstrip(b"\r\n ").startswith(start)), "")


def _of_brand(major: bytes, others: bytes) -> str:
    """Of files in boxes (ISO/IEC 23008-12); "" for films."""
    if major in (b"avif", b"avis"):
        return "AVIF"
    if major == b"crx ":
        return "camera raw (CR3)"
    if major in _HEIF_BRANDS:
        return "AVIF" if b"avif" in others and b"heic" not in others else "HEIC"
    return ""
