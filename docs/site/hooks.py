"""What MkDocs does beside its own: pages from all over the repository, the table of commands, notes on commands not tested."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import site_commands
import site_pages
import site_reference

_SOURCE = {site_pages.place(source): source for source in site_pages.sources()}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand outside docs/, the files that pages link to, and the page of commands."""
    for source, name in site_pages.OUTSIDE.items():
        files.append(File.generated(config, name, content=site_pages.read(source)))
    known = {file.src_uri for file in files}
    for target in sorted(set().union(*map(site_pages.linked, site_pages.sources()))):
        path, name = site_pages.ROOT / target, site_pages.place(target)
        if name not in known and path.is_file():
            files.append(File.generated(config, name, abs_src_path=str(path)))
    files.append(File.generated(config, "commands.md", content=site_reference.page()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to where the files stand on the site, and say which commands the tests only parse."""
    source = _SOURCE.get(page.file.src_uri)
    return site_commands.with_notes(source, site_pages.with_links(source, markdown)) if source else markdown
