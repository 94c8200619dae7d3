"""What `submit` does: results into a results repository, the template of one, and the check of a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from lnlbench.benchmark.cli.rows import is_named
from lnlbench.leaderboard.results import files
from lnlbench.leaderboard.results.errors import StoreError
from lnlbench.leaderboard.results.setting_name import SettingName
from lnlbench.leaderboard.results.spelling import spellings
from lnlbench.leaderboard.results.standing import REPRODUCED, VERIFIED, Standing, to_json
from lnlbench.leaderboard.results.submission import STANDING, Submission, collect

if TYPE_CHECKING:
    from lnlbench.benchmark.verification.repository import Checked
    from lnlbench.benchmark.verification.submit import Claim
    from lnlbench.leaderboard.results.result import Result
    from lnlbench.leaderboard.store.address import StoreAddress

TEMPLATE = Path(__file__).with_name("results_repository")
PLACES = {
    "README.md": "README.md",
    "check.sh": "ci/check.sh",
    "check.yml": ".github/workflows/check.yml",
    "comment.yml": ".github/workflows/comment.yml",
    "gitignore": ".gitignore",
}
"""File of the template → where it lies in a results repository."""


def begin(root: Path) -> str:
    """Write the template of a results repository, and say so.

    Raises:
        StoreError: one of its files is there already, or cannot be written.
    """
    if there := [place for place in PLACES.values() if (root / place).exists()]:
        raise StoreError(f"{root / there[0]} is there already, and is not overwritten")
    files.write_all(root, {place: (TEMPLATE / name).read_bytes() for name, place in PLACES.items()})
    (root / PLACES["check.sh"]).chmod(0o755)
    (root / "results").mkdir(exist_ok=True)
    return f"a results repository in {root}: its README says how to add to it, and ci/check.sh checks a change"


def submitted(
    root: Path,
    targets: Sequence[str],
    methods: str,
    claim: Claim,
    source: Path | None,
    address: StoreAddress,
    plugins: Sequence[Path],
    data_dir: Path | None,
) -> str:
    """Submit results of a file or of the store, with those of multiples of the length of what is named, and say which.

    Raises:
        SettingError: nothing is there.
        StoreError: there is no such folder, or nobody who submits.
        StoreError, ExchangeError, MethodError: as `submit`.
    """
    from lnlbench.benchmark.cli.stored import each, stored
    from lnlbench.benchmark.protocol import settings
    from lnlbench.benchmark.sweep.plugins import choose_methods
    from lnlbench.benchmark.verification.present import present
    from lnlbench.benchmark.verification.submit import submit
    from lnlbench.leaderboard.results.references import is_wanted

    if not root.is_dir():
        raise StoreError(f"there is no folder {root}; `lnlbench submit --init {root}` begins a results repository")
    if not claim.authors:
        raise StoreError('say who submits: --author "Ada Example"')
    wanted = choose_methods(methods, plugins)
    names = settings.found_names(targets) if targets else None
    if source is None:
        held = list(each(targets, address, predictions=True))
        others = sorted({run.setting for run in held if names is not None and not is_wanted(run.setting, names)})
        if others:  # what a reader is shown in its place is not what a submission may say
            raise StoreError(f"nothing is stored of {' '.join(targets)} as it is; {_right(others, targets)}")
    else:
        found = collect([source], predictions=True).results
        held = [result for result in found if names is None or is_wanted(result.setting, names)]
    of_now = present(wanted.own)(held)
    if names is not None and (missing := _missing(of_now, wanted.texts)):
        lost, every = missing[0], stored((), source or address).results
        settings_of = {run.setting for run in every if run.label == lost}
        if others := sorted(name for name in settings_of if str(SettingName.parse(name).unchanged) in names):
            raise StoreError(
                f"there is no result of {lost!r} on {' '.join(targets)} as it is; {_right(others, targets)}"
            )
    results = chosen(of_now, wanted.texts)
    of = "what was chosen of the store" if source is None else source
    return written(submit(results, root, claim, data_dir, of), root)


def chosen(results: Sequence[Result], wanted: Sequence[str]) -> list[Result]:
    """Return the results of some methods, or all, with the hosts of readings.

    Raises:
        StoreError: there are none of a method.
    """
    if missing := _missing(results, wanted):
        labels = sorted({result.label for result in results})
        raise StoreError(f"there is no result of {missing[0]!r}; there is: {', '.join(labels)}")
    called = spellings(results, wanted) if wanted else None
    kept = [result for result in results if is_named(result.label, result.method, called)]
    keys = {result.key for result in kept} | {result.host for result in kept}
    return [result for result in results if result.key in keys]


def _missing(results: Sequence[Result], wanted: Sequence[str]) -> list[str]:
    known = {name for result in results for name in (result.label, result.method)}
    return [text for text in wanted if text not in known]


def _right(others: Sequence[str], targets: Sequence[str]) -> str:
    """Return `write ...`, the names by which settings with other values than the targets' are submitted."""
    called = {other: SettingName.parse(other) for other in others}
    right = sorted({name.changed_task if name.task in targets else other for other, name in called.items()})
    return f"write {' or '.join(f'`{name}`' for name in right)}"


def written(submissions: Sequence[Submission], root: Path) -> str:
    """Return what was submitted."""
    places = [f"{one.folder.relative_to(root)}: {_count(len(one.standings), 'result')}" for one in submissions]
    return "\n".join([*places, "Verified, and written. Look at the cards, then commit, and run ci/check.sh."])


def report(found: Checked, comparison: Path | None, by: str) -> None:
    """Write down what a check found, where that is asked for.

    Raises:
        StoreError: nothing is recorded of a change that did not pass; or a file cannot be written.
    """
    if comparison is not None:
        files.write_all(comparison.absolute().parent, {comparison.name: comment(found)})
    if by:
        record(found, by)


def lines(found: Checked) -> str:
    """Return what a check found, a line each, and what it comes to."""
    shown = [f"{one.state:8} {one.what}: {one.detail} ({where})" for where, one in found.lines]
    return "\n".join([*shown, sentence(found)])


def sentence(found: Checked) -> str:
    """Return what a check comes to."""
    from lnlbench.benchmark.verification.findings import HARMLESS

    bad = sum(one.state not in HARMLESS for _, one in found.lines)
    what = f"{_count(len(found.rows), 'new result')} in {_count(len(found.added), 'submission')}"
    end = "passed" if found.passed else f"refused, {_count(bad, 'thing')} {'is' if bad == 1 else 'are'} wrong"
    return f"{what}, {len(found.again)} made again: {end}."


def comment(found: Checked) -> str:
    """Return a check as Markdown: what it comes to, what is wrong, and the new rows beside the best."""
    from lnlbench.benchmark.verification.beside_best import beside_best

    parts = [f"### {sentence(found)}"]
    if found.lines:
        parts.append(
            "\n".join(f"- {one.state}: {one.what}: {_plain(one.detail)} ({_plain(w)})" for w, one in found.lines)
        )
    parts.append(beside_best(found.rows, found.others))
    parts.append("Against the best two of each setting, rule noisy_val; Welch's t test, Holm over the two.")
    return "\n\n".join(parts) + "\n"


def record(found: Checked, by: str) -> None:
    """Write down beside the records what was verified and what was reproduced.

    Raises:
        StoreError: the check did not pass, or nothing can be written.
    """
    if not found.passed:
        raise StoreError("nothing is recorded of a change that did not pass")
    today = date.today().isoformat()
    made = {one.result.key for one in found.again}
    now = {
        run.key: Standing(state=REPRODUCED if run.key in made else VERIFIED, by=by, date=today) for run in found.rows
    }
    for one in found.added:
        kept = one.standings | {key: now[key] for key in one.standings if key in now}
        files.write_all(one.folder, {STANDING: to_json(kept)})


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' if n != 1 else ''}"


def _plain(text: str) -> str:
    """Return a text that Markdown takes for no markup."""
    return "".join(f"\\{c}" if c in "\\`*_<>[]|#@" else c for c in text)
