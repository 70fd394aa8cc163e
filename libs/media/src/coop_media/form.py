"""What a file is, by its first bytes.

Guarantees: neither a name nor a header has a say; only what a browser can play and the decoders are
asked to read is known (so HEIC, SVG, PDF, HTML, playlists are not media).
Must not: read further than the bytes it is given.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

MediaKind = Literal["IMAGE", "VIDEO", "AUDIO"]

HEAD: Final = 64
"""So many bytes are enough."""


class Form(Struct, frozen=True):
    """`reader` is the one decoder that is asked to read it: Pillow's or FFmpeg's name."""

    kind: MediaKind
    media_type: str
    reader: str


_JPEG = Form("IMAGE", "image/jpeg", "JPEG")
_PNG = Form("IMAGE", "image/png", "PNG")
_GIF = Form("IMAGE", "image/gif", "GIF")
_WEBP = Form("IMAGE", "image/webp", "WEBP")
_AVIF = Form("IMAGE", "image/avif", "AVIF")
_MP4 = Form("VIDEO", "video/mp4", "mov")
_MOV = Form("VIDEO", "video/quicktime", "mov")
_M4A = Form("AUDIO", "audio/mp4", "mov")
_WEBM = Form("VIDEO", "video/webm", "matroska")
_OGG_VIDEO = Form("VIDEO", "video/ogg", "ogg")
_OGG = Form("AUDIO", "audio/ogg", "ogg")
_MP3 = Form("AUDIO", "audio/mpeg", "mp3")
_AAC = Form("AUDIO", "audio/aac", "aac")
_WAV = Form("AUDIO", "audio/wav", "wav")
_FLAC = Form("AUDIO", "audio/flac", "flac")

_STARTS: Final = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"\x1a\x45\xdf\xa3", _WEBM),
    (b"ID3", _MP3),
    (b"fLaC", _FLAC),
    (b"\xff\xf1", _AAC),
    (b"\xff\xf9", _AAC),
    (b"\xff\xfb", _MP3),
    (b"\xff\xf3", _MP3),
    (b"\xff\xf2", _MP3),
)
_BRANDS: Final = {b"avif": _AVIF, b"avis": _AVIF, b"qt  ": _MOV, b"M4A ": _M4A, b"M4B ": _M4A}
# ISO base media of other brands: films, but for what holds HEIC pictures.
_NOT_SHOWN: Final = (b"hei", b"hev", b"mif1", b"msf1", b"crx ")


def form_of(head: bytes) -> Form | None:
    """What begins with these bytes; None for what is not shown."""
    for start, form in _STARTS:
        if head.startswith(start):
            return form
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head[:4] == b"RIFF":
        return {b"WEBP": _WEBP, b"WAVE": _WAV}.get(head[8:12])
    if head[:4] == b"OggS":
        return _OGG_VIDEO if b"\x80theora" in head else _OGG
    return None


def _of_brands(head: bytes) -> Form | None:
    brand = head[8:12]
    known = _BRANDS.get(brand)
    if known is not None:
        return known
    if brand.startswith(_NOT_SHOWN):
        # `mif1` may come first of what is also `avif`.
        compatible = {head[at : at + 4] for at in range(16, len(head) - 3, 4)}
        return _AVIF if b"avif" in compatible else None
    return _MP4
