"""CSV texts without a formula for any spreadsheet, whether it splits cells at commas, `;` or tabs."""

import re

# Spreadsheets take the wide ones for the usual ones. The apostrophe is among them so that it can be undone.
GUARDED = "=+\\-@\t\r\n＝＋－＠'"
# Where a cell may begin: at the text itself, and behind each separator of a reader to which the quotes around
# the text are no quotes, because they are not at the beginning of a cell.
CELL_START = r'(^|[;\t\r\n])([ "]*)'
FORMULA = re.compile(rf"{CELL_START}(?=[{GUARDED}])")
ESCAPED_FORMULA = re.compile(rf"{CELL_START}'(?=[{GUARDED}])")


def escape_formula(text: str) -> str:
    """Put an apostrophe before each part of a text that a spreadsheet could take for a formula."""
    return FORMULA.sub(r"\1\2'", text)


def unescape_formula(text: str) -> str:
    """Undo exactly what `escape_formula` did."""
    return ESCAPED_FORMULA.sub(r"\1\2", text)
