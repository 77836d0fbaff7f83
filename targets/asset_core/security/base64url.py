"""Base64url without padding, decoded strictly: the stdlib skips foreign characters unless told not to."""

import binascii

_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")


def decode_segment(segment: bytes) -> bytes:
    """Return the decoded bytes; ValueError (binascii.Error) for anything but unpadded base64url."""
    standard = segment.translate(_TO_STANDARD)
    return binascii.a2b_base64(standard + b"=" * (-len(segment) % 4), strict_mode=True)
