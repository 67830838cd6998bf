"""Tables in files: reading what people have (CSV, TSV, XLSX, XLS, ODS) and writing CSV and XLSX."""

from app.engine.tables.problems import Limits, TableProblem
from app.engine.tables.readers import Row, Table, open_table
from app.engine.tables.writers import Column, write_csv, write_xlsx

__all__ = [
    "Column",
    "Limits",
    "Row",
    "Table",
    "TableProblem",
    "open_table",
    "write_csv",
    "write_xlsx",
]
