"""Writes what the program carries inside: `openapi.yaml` as JSON, and the pages that it shows.

A page is one document, so that a browser asks for nothing else: a line `/* include NAME */` in it stands for the file
`Sources/API/Page/NAME`, which may include others.

`--check` only compares, and fails if a file is not what it should be.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "Sources/API/Page"
INCLUDE = re.compile(r"^[ \t]*/\* include ([\w./-]+) \*/$", re.MULTILINE)
HEAD = "// Made by scripts/embed.py. Change {source}, and run it again.\n// swift-format-ignore-file\n"


def literal(text: str) -> str:
    """Text as a raw string of several lines, which changes nothing in it."""
    hashes = "#"
    while f'"""{hashes}' in text or f"\\{hashes}" in text:
        hashes += "#"
    return f'{hashes}"""\n{text}\n"""{hashes}'


def document() -> str:
    """The Swift source with the OpenAPI document, cut where a server puts its own address."""
    api = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    rest = {key: value for key, value in api.items() if key not in {"openapi", "servers"}}
    before = f'{{"openapi":"{api["openapi"]}","servers":[{{"url":'
    after = "}]," + json.dumps(rest, ensure_ascii=False, separators=(",", ":")).removeprefix("{")
    return (
        HEAD.format(source="openapi.yaml")
        + "\n/// The description of the HTTP API, as JSON in two parts.\n"
        + "///\n/// Between them comes the address of the server, as a JSON string.\nenum OpenAPIDocument {\n"
        + f"static let beforeServer = {literal(before)}\n"
        + f"static let afterServer = {literal(after)}\n"
        + "}\n"
    )


def assembled(name: str, around: tuple[str, ...] = ()) -> str:
    """A file of a page with what it includes, each included file in place of the line that names it."""
    if name in around:
        sys.exit(f"{name} includes itself: {' > '.join((*around, name))}")
    text = (PAGES / name).read_text().removesuffix("\n")
    return INCLUDE.sub(lambda match: assembled(match[1], (*around, name)), text)


def page(source: Path) -> str:
    """The Swift source with a page."""
    html = assembled(source.name)
    title = re.search(r"<title[^>]*>(.*?)</title>", html)
    if not title:
        sys.exit(f"{source.name} has no title")
    return (
        HEAD.format(source=f"Sources/API/Page/{source.name} or what it includes")
        + f"\n/// The page with the title “{title[1]}”.\nenum {type_name(source)} {{\n"
        + f"static let text = {literal(html)}\n"
        + "}\n"
    )


def type_name(source: Path) -> str:
    """The Swift type of a page: `studio.html` is `StudioHTML`."""
    return "".join(word.capitalize() for word in source.stem.split("-")) + "HTML"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    stale = []
    files = {"OpenAPIDocument.swift": document()}
    files |= {f"{type_name(source)}.swift": page(source) for source in sorted(PAGES.glob("*.html"))}
    for name, text in files.items():
        path = PAGES / name
        if path.exists() and path.read_text() == text:
            continue
        if check:
            stale.append(str(path.relative_to(ROOT)))
        else:
            path.write_text(text)
    if stale:
        print(f"not up to date: {', '.join(stale)}; run .venv/bin/python scripts/embed.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
