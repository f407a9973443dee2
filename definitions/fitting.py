"""Fitting data to a class of config: references are looked up, everything is validated, and errors name the path.

    ops.orders.config.limit: Input should be a valid integer, but it is 'many'.
    For example: {"ops": {"orders": {"config": {"limit": 1}}}}

What an error quotes is the data as it was given, in which a value from the environment is still its reference. The
errors of pydantic, which know the values, are not passed on and are no cause of those that are raised here.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from .config import Configurable
from .env import EnvVar, IntEnvVar, is_reference, look_up, redacted
from .errors import InvalidConfigError, did_you_mean
from .open_values import is_open

M = TypeVar("M", bound=Configurable)
Path = tuple[str, ...]

SHOWN_CHARACTERS = 80


def fit(cls: type[M], data: Any, path: Path, *, owner: str) -> M:
    """`data` as an instance of `cls`. `owner` says in words whose config it is, `path` where in the run config.

    Raises:
        InvalidConfigError: a variable is not set, or a field is missing, unknown or of the wrong type.
    """
    if not isinstance(data, Mapping):
        raise InvalidConfigError([f"{_dotted(path)}: a mapping of fields is needed, not {_shown(data)}."])
    found: dict[str, Any] = {}
    errors: list[str] = []
    annotations = _annotations(cls)
    values = {
        name: _looked_up(value, annotations.get(name, Any), (*path, name), owner, errors, found)
        for name, value in data.items()
    }
    if not errors:
        made = _validated(cls.model_validate, values, cls, data, path, errors)
        if not errors:
            top = len(path)
            names = {(info.alias or name): name for name, info in cls.model_fields.items()}
            for place, reference in found.items():
                parts = place.split(".")
                if len(parts) == top + 1:
                    made._from_env[names.get(parts[-1], parts[-1])] = reference
            return made
    raise InvalidConfigError(errors, example=_example(cls, path))


def fit_any(annotation: Any, data: Any, path: Path, *, owner: str) -> Any:
    """As `fit` for a parameter that is annotated with any type; None as annotation takes everything."""
    if isinstance(annotation, type) and issubclass(annotation, Configurable):
        return fit(annotation, {} if data is None else data, path, owner=owner)
    errors: list[str] = []
    value = _looked_up(data, Any if annotation is None else annotation, path, owner, errors, {})
    if not errors and annotation not in (None, Any):
        value = _validated(TypeAdapter(annotation).validate_python, value, annotation, data, path, errors)
    if errors:
        raise InvalidConfigError(errors)
    return value


def _looked_up(value: Any, annotation: Any, path: Path, owner: str, errors: list[str], found: dict[str, Any]) -> Any:
    """`value` with each reference in it replaced by what the environment holds."""
    if is_reference(value):
        return _from_environment(value, path, owner, errors, found)
    options = _options(annotation)
    if isinstance(value, Configurable) and any(map(is_open, dict(value).values())):
        value = dict(value)
    if isinstance(value, Mapping):
        model = next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if _is_written_reference(value) and not _has_place_for_env(options, model):
            return _from_environment(EnvVar(value["env"]), path, owner, errors, found)
        inner = _annotations(model) if model else dict.fromkeys(value, _argument(options, -1))
        return {
            name: _looked_up(one, inner.get(name, Any), (*path, str(name)), owner, errors, found)
            for name, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        inner_type = _argument(options, 0)
        return [
            _looked_up(one, inner_type, (*path, str(place)), owner, errors, found) for place, one in enumerate(value)
        ]
    return value


def _from_environment(
    reference: EnvVar | IntEnvVar, path: Path, owner: str, errors: list[str], found: dict[str, Any]
) -> Any:
    found[_dotted(path)] = reference
    name = reference.env_var_name
    value = look_up(name)
    if value is None:
        errors.append(
            f"{_dotted(path)}: the environment variable {name!r} is not set; {owner} takes its field {path[-1]!r} from "
            "it. Set it where the run is done: for automated runs, where the daemon is started."
        )
    return value


def _is_written_reference(value: Mapping[Any, Any]) -> bool:
    return len(value) == 1 and isinstance(value.get("env"), str)


def _has_place_for_env(options: Sequence[Any], model: type[BaseModel] | None) -> bool:
    """Whether `{"env": ...}` is data of the field's own: it is a dict, or a model with a field of that name."""
    return any(_is_mapping(one) for one in options) or (model is not None and "env" in model.model_fields)


def _is_mapping(annotation: Any) -> bool:
    return _is_class(get_origin(annotation) or annotation, Mapping)


def _options(annotation: Any) -> list[Any]:
    """The types of a union, without their Annotated."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [option for one in get_args(annotation) for option in _options(one)]
    return [annotation]


def _argument(options: Sequence[Any], place: int) -> Any:
    arguments = next((get_args(one) for one in options if get_origin(one) not in (None, Literal)), ())
    return arguments[place] if arguments else Any


def _annotations(model: type[BaseModel]) -> dict[str, Any]:
    fields = model.model_fields
    return {key: info.annotation for name, info in fields.items() for key in {name, info.alias or name}}


# ---- errors ----------------------------------------------------------------------------------------------------------


def _validated(validate: Any, values: Any, cls: Any, given: Any, path: Path, errors: list[str]) -> Any:
    try:
        return validate(values)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            errors.append(_worded(one["type"], one["msg"], one["loc"], cls, given, path))
    return None


def _worded(kind: str, message: str, loc: tuple[int | str, ...], cls: Any, given: Any, path: Path) -> str:
    where = _dotted((*path, *map(str, loc)))
    model = cls.__name__ if isinstance(cls, type) else str(cls)
    if kind == "missing":
        return f"{where}: this field of {model} is required and was not given."
    if kind == "extra_forbidden":
        model_fields = cls.model_fields if isinstance(cls, type) and issubclass(cls, BaseModel) else {}
        fields = sorted(info.alias or name for name, info in model_fields.items())
        hint = did_you_mean(str(loc[-1]), fields, f"It has: {', '.join(fields) or 'none'}.")
        return f"{where}: {model} has no such field. {hint}"
    return f"{where}: {redacted(message)}{_but(given, loc)}."


def _but(given: Any, loc: tuple[int | str, ...]) -> str:
    """What stands at `loc`, as far as that can be followed; the whole of the data is never shown."""
    value = given
    for part in loc:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return ""
    if not loc:
        return ""
    if is_reference(value):
        return f", but it comes from the environment variable {value.env_var_name!r}"
    if isinstance(value, Mapping) and _is_written_reference(value):
        return f", but it comes from the environment variable {value['env']!r}"
    return "" if isinstance(value, BaseModel) or is_open(value) else f", but it is {_shown(value)}"


def _shown(value: Any) -> str:
    text = redacted(repr(value))
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def _dotted(path: Sequence[str]) -> str:
    return ".".join(path)


def _example(cls: type[BaseModel], path: Path) -> str:
    """The smallest config that `cls` takes, in its place: of an optional-only class its first field."""
    fields = cls.model_fields
    wanted = [name for name, info in fields.items() if info.is_required()] or list(fields)[:1]
    data: Any = {fields[name].alias or name: _sample(fields[name].annotation) for name in wanted}
    for part in reversed(path):
        data = {part: data}
    return json.dumps(data)


def _sample(annotation: Any) -> Any:
    option: Any = next((one for one in _options(annotation) if one is not type(None)), Any)
    if get_origin(option) is Literal:
        return get_args(option)[0]
    if _is_class(option, Enum):
        return next(iter(option)).value
    if _is_class(option, BaseModel):
        fields = option.model_fields
        return {info.alias or name: _sample(info.annotation) for name, info in fields.items() if info.is_required()}
    origin = get_origin(option) or option
    samples: list[tuple[type, Any]] = [(bool, True), (int, 1), (float, 1.5), (Mapping, {}), (list, [])]
    return next((one for cls, one in samples if _is_class(origin, cls)), "...")


def _is_class(annotation: Any, base: type) -> Any:
    return isinstance(annotation, type) and issubclass(annotation, base)
