"""Checks that every link of every Markdown file of the repository leads to a file, and to a heading that is there.

Addresses on other machines are not looked at: a check must not depend on them.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {".build", ".git", ".venv", "var", "node_modules"}
LINK = re.compile(r"\[(?:[^][]|\[[^][]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HTML = re.compile(r"<(?:img|source|a)\b[^>]*?\b(?:src|srcset|href)=\"([^\"]+)\"")


def pages() -> Iterator[Path]:
    """All Markdown files that are the repository's own."""
    for path in sorted(ROOT.rglob("*.md")):
        first = path.relative_to(ROOT).parts[0]
        if first not in NOT_OURS and not first.startswith(".build"):
            yield path


def prose(page: Path) -> str:
    """A page without the code in it, line for line."""
    kept, fence = [], ""
    for line in page.read_text().splitlines():
        opening = re.match(r"\s*(```+|~~~+)", line)
        if opening and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else opening[1]
            kept.append("")
        else:
            kept.append("" if fence else re.sub(r"`[^`]*`", lambda code: " " * len(code[0]), line))
    return "\n".join(kept)


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as forges make them."""
    found: dict[str, int] = {}
    fence = False
    for line in page.read_text().splitlines():
        fence ^= line.lstrip().startswith("```")
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if fence or not heading:
            continue
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1])
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        found[name] = found.get(name, -1) + 1
        if found[name]:
            found[f"{name}-{found[name]}"] = 0
    return frozenset(found)


def fault(page: Path, target: str) -> str | None:
    """What is wrong with a link of a page, if anything is."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("//"):
        return None
    file, _, anchor = unquote(target).partition("#")
    path = (page.parent / file).resolve() if file else page
    if not path.exists():
        return "there is no such file"
    if not path.is_relative_to(ROOT):
        return "this is outside the repository"
    if anchor and path.suffix == ".md" and anchor not in anchors(path):
        return "there is no such heading"
    return None


def main() -> int:
    """Prints every link that leads nowhere."""
    count = 0
    for page in pages():
        for number, line in enumerate(prose(page).splitlines(), 1):
            for target in [*LINK.findall(line), *HTML.findall(line)]:
                if wrong := fault(page, target):
                    count += 1
                    print(f"{page.relative_to(ROOT)}:{number}: {target}: {wrong}", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
