"""Finds journal records in a stopped data directory, and changes them in place.

LMDB has no checksums of its own and keeps old copies of pages, so each copy of a record is changed.
"""
import struct

MAGIC = b"DURJ"
HEADER = struct.Struct("<4sHBBQQQQqIIII")  # runtime/record.h
ENTRY = struct.Struct("<II")
EVENT = struct.Struct("<IIqQQIIII")
ENTRY_EVENT = 1


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Record:
    """One record: its bytes, and every place where they stand in the file."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.places = []

    def field(self, name):
        return dict(zip(("magic", "version", "kind", "flags", "epoch", "index", "owner",
                         "prev_hash", "time_ms", "len", "crc", "entries", "reserved"),
                        HEADER.unpack_from(self.data)))[name]

    def put(self, offset, layout, value):
        struct.pack_into(layout, self.data, offset, value)

    def events(self):
        """Offset of each event entry's body."""
        at = HEADER.size
        while at < len(self.data):
            length, kind = ENTRY.unpack_from(self.data, at)
            if kind == ENTRY_EVENT:
                yield at + ENTRY.size
            at += ENTRY.size + length

    def seal(self):
        self.put(52, "<I", 0)
        self.put(52, "<I", crc32c(self.data))


class Journal:
    """The records of `data`/journal."""

    def __init__(self, data):
        self.path = data / "journal" / "data.mdb"
        self.bytes = bytearray(self.path.read_bytes())
        self.records = {}
        at = self.bytes.find(MAGIC)
        while at >= 0:
            self._take(at)
            at = self.bytes.find(MAGIC, at + 1)

    def _take(self, at):
        if at + HEADER.size > len(self.bytes):
            return
        length, index = (HEADER.unpack_from(self.bytes, at)[i] for i in (9, 5))
        record = Record(self.bytes[at:at + length])
        if length < HEADER.size or len(record.data) != length:
            return
        crc = record.field("crc")
        record.put(52, "<I", 0)
        if crc32c(record.data) != crc:
            return
        record.put(52, "<I", crc)
        known = self.records.setdefault(index, record)
        assert known.data == record.data
        known.places.append(at)

    @property
    def last(self):
        return max(self.records)

    def write(self, record):
        for at in record.places:
            self.bytes[at:at + len(record.data)] = record.data
        self.path.write_bytes(self.bytes)


def change_row(data, text, other):
    """Puts `other` (of the same length) for `text` in every copy of every row; with the checksum of the
    row made to fit when `text` stands in a row at all. How many copies there were."""
    path = data / "state" / "data.mdb"
    content = bytearray(path.read_bytes())
    assert len(text) == len(other)
    found, at = 0, content.find(text)
    while at >= 0:
        start = content.rfind(b"R1\0\0", 0, at)
        end = next(end for end in range(at + len(text), at + 2000)
                   if crc32c(content[start:end]) == struct.unpack_from("<I", content, end)[0])
        content[at:at + len(text)] = other
        struct.pack_into("<I", content, end, crc32c(content[start:end]))
        found, at = found + 1, content.find(text, end)
    path.write_bytes(content)
    return found
