"""Parameters as a dataclass: its JSON Schema, and values of it from JSON."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from typing import Any

from .failure import BadParams

SIMPLE = {bool: "boolean", int: "integer", float: "number", str: "string"}


def param(default: Any = dataclasses.MISSING, *, description: str = "", **schema: Any) -> Any:
    """A parameter with a description and any other keyword of JSON Schema, such as `minimum=0`. Without a default it is required."""
    metadata = {"schema": ({"description": description} if description else {}) | schema}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@typing.dataclass_transform(kw_only_default=True, field_specifiers=(param,))
def params(cls: type) -> type:
    """Makes a class of parameters: a dataclass whose fields are given by name."""
    return dataclasses.dataclass(kw_only=True)(cls)


def schema(cls: type | None) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a class of parameters; of none, that of a plugin without any."""
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return found | (_object(cls) if cls else {"type": "object", "additionalProperties": False, "properties": {}})


def read(cls: type | None, found: dict[str, Any]) -> Any:
    """The parameters from their JSON, which the host has held against the schema already. `BadParams` where the schema allows what the type does not."""
    try:
        return None if cls is None else _value(cls, found)
    except (KeyError, TypeError, ValueError) as error:
        raise BadParams(f"parameters: {error}") from error


def _object(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    properties, required = {}, []
    for field in dataclasses.fields(cls):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        properties[field.name] = _type(hints[field.name]) | dict(field.metadata.get("schema", {}))
        if default is dataclasses.MISSING:
            required.append(field.name)
        else:
            properties[field.name]["default"] = _json(default)
    # A dataclass without a docstring gets its signature as one.
    doc = inspect.cleandoc(cls.__doc__ or "")
    found: dict[str, Any] = {"title": cls.__name__, "type": "object", "additionalProperties": False, "properties": properties}
    found |= {"description": doc} if doc and not doc.startswith(f"{cls.__name__}(") else {}
    return found | ({"required": required} if required else {})


def _type(kind: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in SIMPLE:
        return {"type": SIMPLE[kind]}
    if dataclasses.is_dataclass(kind):
        return _object(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if argument is type(None) else _type(argument) for argument in arguments]}
    raise TypeError(f"expected a parameter of a type that JSON Schema has, found `{kind}`")


def _value(kind: Any, found: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        unknown = [name for name in found if name not in hints]
        if unknown:
            raise ValueError(f"expected one of {', '.join(f'`{name}`' for name in hints)}, found `{unknown[0]}`")
        return kind(**{name: _value(hints[name], value) for name, value in found.items()})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(found)
    if kind is float and isinstance(found, int) and not isinstance(found, bool):
        return float(found)
    if kind is int and isinstance(found, float) and found.is_integer():
        return int(found)
    if origin is list:
        return [_value(arguments[0], item) for item in found]
    if origin is dict:
        return {name: _value(arguments[1], item) for name, item in found.items()}
    if origin in (typing.Union, types.UnionType) and found is not None:
        return _value(next(argument for argument in arguments if argument is not type(None)), found)
    return found


def _json(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)
    return value.value if isinstance(value, enum.Enum) else value
