"""Recognises a file that cannot be read as an image by its first bytes."""

from __future__ import annotations

_READ = {
    "PNG": (0, b"\x89PNG"),
    "JPEG": (0, b"\xff\xd8\xff"),
    "GIF": (0, b"GIF8"),
    "BMP": (0, b"BM"),
    "little-endian TIFF": (0, b"II*\0"),
    "big-endian TIFF": (0, b"MM\0*"),
    "WebP": (8, b"WEBP"),
}
_NOT_READ = {
    "HEIC": (4, b"ftyphei"),
    "HEIF": (4, b"ftypmif"),
    "AVIF": (4, b"ftypavif"),
    "JPEG 2000": (4, b"jP  "),
    "JPEG XL": (0, b"\xff\x0a"),
    "PDF": (0, b"%PDF"),
    "SVG": (0, b"<svg"),
    "HTML": (0, b"<!DOCTYPE"),
}


def describe_signature(data: bytes) -> str | None:
    """What is wrong with a file whose signature is known, with a remedy; None for other files."""
    for name, (start, signature) in _READ.items():
        if data.startswith(signature, start):
            return f"not a readable image (a damaged {name}); replace it or leave it out"
    for name, (start, signature) in _NOT_READ.items():
        if data.startswith(signature, start):
            return f"a {name} file, which is not read; save it as PNG or JPEG, or leave it out"
    return None
