"""Reads pprof's messages by Google's protobuf, from a description of the published profile.proto."""

import gzip

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_INT, _UINT, _BOOL, _TEXT, _MESSAGE = (
    descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{name}")
    for name in ("INT64", "UINT64", "BOOL", "STRING", "MESSAGE")
)
# Name of a field: number, type, whether it repeats. https://github.com/google/pprof/blob/main/proto/profile.proto
_MESSAGES = {
    "Profile": {
        "sample_type": (1, "ValueType", True), "sample": (2, "Sample", True), "mapping": (3, "Mapping", True),
        "location": (4, "Location", True), "function": (5, "Function", True), "string_table": (6, _TEXT, True),
        "drop_frames": (7, _INT, False), "keep_frames": (8, _INT, False), "time_nanos": (9, _INT, False),
        "duration_nanos": (10, _INT, False), "period_type": (11, "ValueType", False), "period": (12, _INT, False),
        "comment": (13, _INT, True), "default_sample_type": (14, _INT, False), "doc_url": (15, _INT, False),
    },
    "ValueType": {"type": (1, _INT, False), "unit": (2, _INT, False)},
    "Sample": {"location_id": (1, _UINT, True), "value": (2, _INT, True), "label": (3, "Label", True)},
    "Label": {"key": (1, _INT, False), "str": (2, _INT, False), "num": (3, _INT, False), "num_unit": (4, _INT, False)},
    "Mapping": {
        "id": (1, _UINT, False), "memory_start": (2, _UINT, False), "memory_limit": (3, _UINT, False),
        "file_offset": (4, _UINT, False), "filename": (5, _INT, False), "build_id": (6, _INT, False),
        "has_functions": (7, _BOOL, False), "has_filenames": (8, _BOOL, False), "has_line_numbers": (9, _BOOL, False),
        "has_inline_frames": (10, _BOOL, False),
    },
    "Location": {
        "id": (1, _UINT, False), "mapping_id": (2, _UINT, False), "address": (3, _UINT, False), "line": (4, "Line", True),
        "is_folded": (5, _BOOL, False),
    },
    "Line": {"function_id": (1, _UINT, False), "line": (2, _INT, False), "column": (3, _INT, False)},
    "Function": {
        "id": (1, _UINT, False), "name": (2, _INT, False), "system_name": (3, _INT, False), "filename": (4, _INT, False),
        "start_line": (5, _INT, False),
    },
}  # fmt: skip


def read(content):
    """Return the message of a gzipped profile; a field that the format does not have is an error."""
    message = _class()()
    message.ParseFromString(gzip.decompress(content))
    assert message.SerializeToString() == _known_only(message)
    return message


def stacks_of(message, value=0):
    """Return {stack of (function, file, line) from the root: value}."""
    text = message.string_table
    functions = {one.id: (text[one.name], text[one.filename]) for one in message.function}
    places = {one.id: (*functions[one.line[0].function_id], one.line[0].line) for one in message.location}
    return {
        tuple(places[place] for place in reversed(one.location_id)): one.value[value]
        for one in message.sample
    }


def labels_of(message):
    """Return the labels of each sample."""
    text = message.string_table
    return [{text[label.key]: text[label.str] for label in one.label} for one in message.sample]


def types_of(message):
    """Return (type, unit) of each value."""
    return [(message.string_table[one.type], message.string_table[one.unit]) for one in message.sample_type]


def _known_only(message):
    copy = type(message)()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    return copy.SerializeToString()


def _class():
    file = descriptor_pb2.FileDescriptorProto(
        name="profile.proto", package="perftools.profiles", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeats) in fields.items():
            found = message.field.add(name=field, number=number, label=3 if repeats else 1)
            found.type = _MESSAGE if isinstance(kind, str) else kind
            if isinstance(kind, str):
                found.type_name = f".perftools.profiles.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("perftools.profiles.Profile"))
