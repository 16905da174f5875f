"""Figures in documents: a command writes its text between two marks, and the rest of the page stays."""

from figure import Trouble


def write_between(page, name, text):
    """Puts text between `<!-- name -->` and `<!-- /name -->`, as the commands of `onhand` do."""
    before, after = parts(page, name)
    page.write_text(f"{before}\n{text.rstrip()}\n{after}")


def parts(page, name):
    """What stands before and after, the marks with it."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.read_text().partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise Trouble(f"{page} has no {begin} … {end} to write between")
    return before + begin, end + after
