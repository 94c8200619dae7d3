"""What `site` does: a static site of files and folders of results, and its frozen boards."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lnlbench.benchmark.cli.method_about import method_about
from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.hosts import apart, said
from lnlbench.leaderboard.results.submission import RELEASES, Collection, collect
from lnlbench.leaderboard.shipped import FOLDER
from lnlbench.leaderboard.show.site.releases import digests, releases, to_json
from lnlbench.leaderboard.show.site.releases import freeze as frozen
from lnlbench.leaderboard.show.site.site import Files, frozen_files, site

MARK = "style.css"
"""A file that every site has: what tells a site, which may be replaced, from any other folder."""


@dataclass(frozen=True)
class Written:
    """What was written, in words, and whether every frozen board is what it was."""

    words: str
    same: bool


def written(out: Path, sources: Sequence[Path], title: str, freeze: str) -> Written:
    """Write a site into a folder that is empty, or holds a site.

    Raises:
        StoreError: a source cannot be read, the folder is another one, or nothing can be written.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file())):
        raise StoreError(f"{out} is there already, and is no site that could be replaced")
    held = collect(sources or [FOLDER])
    roots = [source for source in sources if source.is_dir()]
    if freeze:
        _freeze(freeze, roots, held)
    kept = [release for root in roots for release in releases(root)]
    contents = site(held, method_about(), kept, title)
    if out.is_dir():
        for path in out.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    files.write_all(out, contents)
    same = {release.name: release.same(_below(contents, release.place)) for release in kept}
    lines = [f"{len(held.results)} results, {len(contents)} files in {out}; begin with index.html"]
    lines += [f"release {name}: {'built byte for byte' if ok else 'not what it was'}" for name, ok in same.items()]
    if alone := apart(held.results)[1]:
        lines.append(f"left out: {said(alone)}")
    return Written("\n".join(lines), all(same.values()))


def _below(contents: Files, place: str) -> Files:
    """Return the files of a frozen board, without the page about it."""
    found = {name.removeprefix(f"{place}/"): text for name, text in contents.items() if name.startswith(f"{place}/")}
    return {name: text for name, text in found.items() if name != "index.html"}


def _freeze(name: str, roots: Sequence[Path], held: Collection) -> None:
    """Keep a release beside the first folder of results.

    Raises:
        StoreError: there is no such folder, or a release of that name is there.
    """
    if not roots:
        raise StoreError("a release is kept beside a folder of submissions, but no folder is given")
    path = roots[0] / RELEASES / f"{name}.json"
    if path.exists():
        raise StoreError(f"{path} is there already: what is frozen stays")
    release = frozen(name, held.results, held.standings)
    files.write_all(path.parent, {path.name: to_json(replace(release, files=digests(frozen_files(release, held))))})
