"""Decode base64url without padding strictly: the stdlib skips foreign characters by default."""

import binascii

_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")


def decode_segment(segment: bytes) -> bytes:
    """Return the decoded bytes; raises ValueError (binascii.Error) for anything but unpadded base64url."""
    standard = segment.translate(_TO_STANDARD)
    return binascii.a2b_base64(standard + b"=" * (-len(segment) % 4), strict_mode=True)
