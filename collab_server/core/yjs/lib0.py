"""Variable-length encodings of lib0, with strict decoding and exact encoding.

varUint: little-endian groups of 7 bits, with 0x80 in all bytes but the last; at most 8 bytes and 2**53 - 1, without
needless bytes, so equal numbers have equal bytes. varUint8Array: the length in bytes as a varUint, then the bytes.
varString: a varUint8Array of UTF-8.
"""

from typing import Final

from collab_server.core.yjs import utf16
from collab_server.errors import Malformed

MAX_SAFE_INTEGER: Final = 2**53 - 1

MAX_ANY_DEPTH: Final = 100
"""Nesting limit: pycrdt decodes nested values recursively and overflows its stack at some 10,000 levels.

Upstream: not reported yet.
"""

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(128))
_ANY_FIXED_BYTES: Final = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}


def write_var_uint(n: int) -> bytes:
    """Encode 0 <= n <= 2**53 - 1 in 1 to 8 bytes. Raises ValueError for other numbers."""
    if 0 <= n < 128:
        return _ONE_BYTE[n]
    if not 0 <= n <= MAX_SAFE_INTEGER:
        raise ValueError(f"{n} is not in 0..2**53-1")
    encoded = bytearray()
    while n > 127:
        encoded.append(n & 127 | 128)
        n >>= 7
    encoded.append(n)
    return bytes(encoded)


def write_var_bytes(b: bytes) -> bytes:
    """Encode a varUint8Array."""
    return write_var_uint(len(b)) + b


def write_var_string(s: str) -> bytes:
    """Encode a varString; a lone surrogate becomes U+FFFD, as in lib0."""
    try:
        encoded = s.encode()
    except UnicodeEncodeError:
        encoded = utf16.replace_lone_surrogates(s).encode()
    return write_var_uint(len(encoded)) + encoded


class Reader:
    """Reads lib0 values from `position` of `frame`, never beyond its end.

    Every method raises Malformed for truncated, over-long or invalid values; `position` is then unspecified.
    """

    __slots__ = ("frame", "position")

    def __init__(self, frame: bytes, position: int = 0) -> None:
        self.frame = frame
        self.position = position

    @property
    def remaining(self) -> int:
        """The number of unread bytes."""
        return len(self.frame) - self.position

    def var_uint(self) -> int:
        """Read a number from 0 to 2**53 - 1."""
        try:
            number = self.frame[self.position]
            if number < 128:
                self.position += 1
            else:
                number, self.position = long_var_uint(self.frame, self.position)
        except IndexError:
            raise Malformed("a number is cut off") from None
        return number

    def var_bytes(self) -> bytes:
        """Read bytes as a copy. The declared length is checked before the allocation."""
        length = self.var_uint()
        start = self.position
        end = start + length
        if end > len(self.frame):
            raise Malformed(f"{length} bytes declared, {self.remaining} left")
        self.position = end
        return self.frame[start:end]

    def var_string(self) -> str:
        """Read strict UTF-8, without surrogates and over-long forms, as TextDecoder does in fatal mode."""
        encoded = self.var_bytes()
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            raise Malformed("a string is not UTF-8") from None

    def end(self) -> None:
        """Raise Malformed if bytes are left."""
        if self.position != len(self.frame):
            raise Malformed(f"{self.remaining} bytes after the end")


def skip_any(frame: bytes, position: int, values: int = 1) -> int:
    """Skip and check lib0 `any` values from `position` on, without building them; returns the position after them.

    Raises Malformed for anything lib0 could not read, and for more than MAX_ANY_DEPTH nested objects and arrays.
    """
    size = len(frame)
    outer: list[tuple[int, bool]] = []
    in_object = False
    try:
        while True:
            while not values:
                if not outer:
                    return position
                values, in_object = outer.pop()
            values -= 1
            if in_object:
                position = skip_string(frame, position)
            tag = frame[position]
            position += 1
            if tag == 119:
                position = skip_string(frame, position)
            elif tag == 125:
                position = _skip_var_int(frame, position)
            elif tag in _ANY_FIXED_BYTES:
                position += _ANY_FIXED_BYTES[tag]
                if position > size:
                    raise Malformed("a value is cut off")
            elif 116 <= tag <= 118:
                count = frame[position]
                position += 1
                if count > 127:
                    count, position = long_var_uint(frame, position - 1)
                if tag == 116:
                    position += count
                    count = 0
                if position + count * (tag - 116) > size:
                    raise Malformed("more is declared in a value than bytes are left")
                if count:
                    if len(outer) >= MAX_ANY_DEPTH:
                        raise Malformed("values are nested too deeply")
                    outer.append((values, in_object))
                    values, in_object = count, tag == 118
            else:
                raise Malformed(f"value type {tag} does not exist")
    except IndexError:
        raise Malformed("a value is cut off") from None


def skip_string(frame: bytes, position: int) -> int:
    """Skip the varString at `position`; returns the position after it. Raises IndexError for a truncated length."""
    length = frame[position]
    position += 1
    if length > 127:
        length, position = long_var_uint(frame, position - 1)
    end = position + length
    if end > len(frame):
        raise Malformed(f"a string of {length} bytes declared, {len(frame) - position} left")
    text = frame[position:end]
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            raise Malformed("a string is not UTF-8") from None
    return end


def read_var_uint(frame: bytes, position: int) -> tuple[int, int]:
    """(number, position after it) of a varUint. Raises IndexError for truncated bytes."""
    number = frame[position]
    return (number, position + 1) if number < 128 else long_var_uint(frame, position)


def long_var_uint(frame: bytes, position: int) -> tuple[int, int]:
    """Read a varUint of two bytes or more: (number, position after it). Raises IndexError for truncated bytes.

    Walkers read the frequent one-byte numbers inline and call this function for the others.
    """
    byte = frame[position + 1]
    number = frame[position] & 127 | (byte & 127) << 7
    position += 2
    shift = 14
    while byte > 127:
        if shift > 49:
            raise Malformed("a number is longer than 8 bytes")
        byte = frame[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
    if not byte:
        raise Malformed("a number has needless bytes")
    if number > MAX_SAFE_INTEGER:
        raise Malformed("a number is greater than 2**53 - 1")
    return number, position


def _skip_var_int(frame: bytes, position: int) -> int:
    """Skip a varInt: its first byte has the sign (0x40) and 6 bits, each further byte has 7 bits."""
    if frame[position] < 128:
        return position + 1
    if frame[position + 1] < 128:
        return position + 2
    rest, position = long_var_uint(frame, position + 1)
    if rest << 6 > MAX_SAFE_INTEGER:
        raise Malformed("a number is greater than 2**53 - 1")
    return position
