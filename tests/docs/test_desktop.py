"""cli/desktop.md: its entries are well-formed, name the type that the specification does, and know our files."""

from __future__ import annotations

import plistlib
import re
from configparser import ConfigParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vqcodec.format import SIGNATURE
from vqcodec_cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "cli" / "desktop.md").read_text()
MEDIA_TYPE = "video/x-vqt"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def unescaped(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")


def test_the_specification_names_the_same_type() -> None:
    assert MEDIA_TYPE in (ROOT / "bitstream_spec" / "vqt.md").read_text()
    assert "D6 56 51 54 0D 0A 1A 0A" in PAGE and bytes.fromhex("D65651540D0A1A0A") == SIGNATURE


def test_file_and_freedesktop_know_the_first_bytes() -> None:
    (magic,) = blocks("magic")
    offset, kind, value, _ = magic.splitlines()[0].split("\t")
    assert (offset, kind, unescaped(value)) == ("0", "string", SIGNATURE)
    assert f"!:mime\t{MEDIA_TYPE}" in magic
    (xml,) = blocks("xml")
    space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    found = ElementTree.fromstring(xml).find("m:mime-type", space)
    assert found is not None and found.get("type") == MEDIA_TYPE
    match, glob = found.find("m:magic/m:match", space), found.find("m:glob", space)
    assert match is not None and unescaped(match.get("value", "")) == SIGNATURE
    assert glob is not None and glob.get("pattern") == "*.vqt"


@pytest.mark.parametrize("block", blocks("ini"))
def test_desktops_call_commands_that_exist(block: str) -> None:
    entry = ConfigParser(interpolation=None)
    entry.read_string(block)
    (section,) = entry.sections()
    program, command, *_ = entry[section]["Exec"].split()
    assert program == "vqcodec" and command in COMMANDS
    assert entry[section]["MimeType"].rstrip(";") == MEDIA_TYPE


def test_windows_and_macos_say_the_same() -> None:
    (registry,) = blocks("reg")
    assert f'"Content Type"="{MEDIA_TYPE}"' in registry and r"Classes\.vqt]" in registry
    (plist,) = blocks("plist")
    said = plistlib.loads(plist.encode())
    (exported,) = said["UTExportedTypeDeclarations"]
    assert exported["UTTypeTagSpecification"]["public.mime-type"] == [MEDIA_TYPE]
    assert said["CFBundleDocumentTypes"][0]["LSItemContentTypes"] == [exported["UTTypeIdentifier"]]
