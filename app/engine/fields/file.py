"""A field that holds a file: the content is kept once, in the store, and the record points at it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow
from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import BigInteger, ColumnElement, ForeignKey, cast
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeEngine

from app.engine.adapters.database import Identifier
from app.engine.errors import ValueProblem
from app.engine.fields.base import Field, Row

MAX_IDENTIFIER = 2**63 - 1

_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEP = 1000


@dataclass(frozen=True)
class FileInfo:
    """What is known of a file beside its content; `href`: where a record gives it out."""

    id: int
    sha256: str
    size: int
    media_type: str
    href: str = ""

    @property
    def kind(self) -> str:
        """What people call its kind: PDF, DOCX."""
        from app.engine.files.kinds import label_of

        return label_of(self.media_type)

    @property
    def preview(self) -> str:
        """Where it can be looked at."""
        record, _file, field = self.href.rpartition("/file/")
        return f"{record}/preview/{field}"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "sha256": self.sha256,
            "size": self.size,
            "media_type": self.media_type,
            "href": self.href,
        }


class File(Field):
    """A file. The value is the number of its content, from an upload of whoever files it."""

    type_name = "file"
    type_label = _("File")
    operators = ("empty", "nempty")
    widget = "file"
    sortable = False
    importable = False

    def __init__(
        self,
        label: Any = "",
        *,
        allowed: Collection[str] = (),
        strict: bool = False,
        named: str | None = None,
        **options: Any,
    ) -> None:
        """`allowed`: families (`pdf`, `office`, `image`, … see `app.engine.files.kinds`) or media types
        that it takes; without any, everything but programs. `strict`: a file that is called what it is
        not is refused; else that is said beside it. `named`: the field that gets the file's name.
        """
        super().__init__(label, **{"index": True, **options})
        self.allowed = tuple(allowed)
        self.strict = strict
        self.named = named

    @property
    def column_name(self) -> str:
        return f"{self.name}_id"

    @property
    def shown_with(self) -> tuple[str, ...]:
        return (f"{self.name}.file",)

    def column_type(self) -> TypeEngine[Any]:
        return Identifier

    def attributes(self) -> dict[str, Any]:
        key = ForeignKey("stored_file.id", ondelete="RESTRICT")
        return {self.column_name: mapped_column(Identifier, key, nullable=True)}

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        return cast(element.as_string(), BigInteger)

    def normalise(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueProblem(_("This must be the id of an uploaded file."))
        if not 0 < value <= MAX_IDENTIFIER:
            raise ValueProblem(_("There is no such file, or it was not you who uploaded it."))
        return value

    def parse(self, cell: Any) -> Any:
        """The number that a form has of an upload; no file of a table holds a file."""
        text = "" if cell is None else str(cell).strip()
        if not text:
            return None
        if not text.isdecimal() or len(text) > 19:
            raise ValueProblem(_("This must be the id of an uploaded file."))
        return self.normalise(int(text))

    def load(self, value: Any) -> Any:
        """A number, or an object with it as `id`, as the API gives it out."""
        if isinstance(value, Mapping):
            value = value.get("id")
        return None if value is None else self.normalise(value)

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None:
            return ""
        if not isinstance(value, int):
            return str(value)  # masked
        info = self.info(value, row)
        return f"#{value}" if info is None else f"{info.kind}, {size_text(info.size)}"

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        info = self.info(value, row)
        if value is None or info is None or not info.href:
            return self.text(value, row)
        drawn = Markup('<a href="{}" class="file-link" download>{}</a>').format(
            info.href, self.text(value, row)
        )
        return drawn + _look(info) + self._odd(info, row)

    def _odd(self, info: FileInfo, row: Row | None) -> Markup:
        """A mark where the name promises something else."""
        from app.engine.files.kinds import contradicts

        name = (row or {}).get(self.named) if self.named else None
        if not name or not contradicts(str(name), info.media_type):
            return Markup("")
        return Markup(' <span class="state state-warn">{}</span>').format(
            _("The name says something else")
        )

    def info(self, value: Any, row: Row | None) -> FileInfo | None:
        """What the row carries beside the number, else what the database says of it."""
        found = (row or {}).get(f"{self.name}.file")
        if found is None and isinstance(value, int):
            from app.engine.query.labels import files_info

            found = files_info([value]).get(value)
        return found if isinstance(found, FileInfo) else None

    def export(self, value: Any, row: Row | None = None) -> Any:
        info = self.info(value, row)
        return None if info is None else info.sha256

    def search_text(self, value: Any) -> str | None:
        """What has been read of the file; nothing until a job has done so, which writes the entry anew."""
        from app.engine.contents.keeping import words_of

        return None if value is None else words_of(value)

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.Integer(
            allow_none=not self.required,
            strict=True,
            validate=marshmallow.validate.Range(1, MAX_IDENTIFIER),
        )


def _look(info: FileInfo) -> Markup:
    """The way to the preview, where there are previews."""
    from app.engine.addresses import has_page

    if not has_page(info.preview):
        return Markup("")
    return Markup(' <a href="{}" class="file-preview">{}</a>').format(info.preview, _("Preview"))


def size_text(size: int) -> str:
    """A size as people read it."""
    number, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if number < _STEP or unit == _UNITS[-1]:
            break
        number /= _STEP
    return f"{format_decimal(round(number, 1 if number < 10 and unit != 'B' else 0))} {unit}"


__all__: Sequence[str] = ("File", "FileInfo", "size_text")
