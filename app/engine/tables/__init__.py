"""Tables in files: reading what people have (CSV, TSV, XLSX, XLS, ODS) and writing CSV and XLSX."""

from app.engine.tables.names import safe_name
from app.engine.tables.problems import Limits, TableProblem
from app.engine.tables.readers import Row, Table, open_table
from app.engine.tables.sheets import Column, ColumnKind, Sheet, sheet_column, write_sheets
from app.engine.tables.templates import TemplateColumn, write_template
from app.engine.tables.writers import write_csv, write_xlsx

__all__ = [
    "Column",
    "ColumnKind",
    "Limits",
    "Row",
    "Sheet",
    "Table",
    "TableProblem",
    "TemplateColumn",
    "open_table",
    "safe_name",
    "sheet_column",
    "write_csv",
    "write_sheets",
    "write_template",
    "write_xlsx",
]
