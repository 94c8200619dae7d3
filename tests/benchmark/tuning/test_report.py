"""The table of a tuning: default against tuned, by the tests of boards."""

from dataclasses import replace

from lnlbench.benchmark.tuning.report import comparison
from lnlbench.leaderboard.ranking.before_after import changes
from lnlbench.leaderboard.results.rules import noisy_val
from lnlbench.leaderboard.shipped import shipped

SETTING = "mnist-fast/symmetric-0.5"


def test_the_table_holds_p_of_its_own_family():
    """Shipped runs, those of other methods in the place of tuned ones."""
    runs = [run for run in shipped() if run.setting == SETTING and run.host is None]
    of = {label: [run for run in runs if run.label == label] for label in ("ce", "gce", "sam")}
    searched = {"tuning": {"scores": [[0.5, 0.6], [0.6, 0.9]]}}
    tuned = [
        replace(run, label=label, track="tuned", identity=run.identity | searched)
        for label, source in (("ce", "sam"), ("gce", "gce"))
        for run in of[source]
    ]
    header, _, ce, gce = comparison(SETTING, [*runs, *tuned]).splitlines()
    assert header.endswith("| tuned − default | p (Holm, 1) | regret |")
    assert gce.endswith("| the same runs | – |")

    def scores(label):
        return {run.replicate: 100 * noisy_val(run) for run in of[label]}

    others = {run.label: scores_of(run.label, runs) for run in runs}
    (found,) = changes(others, {"ce": scores("sam"), "gce": scores("gce")})
    change = found["ce"]
    assert f"| {change.difference:+.2f} ± {change.half:.2f} | {change.p:.3f} |" in ce


def scores_of(label, runs):
    return {run.replicate: 100 * noisy_val(run) for run in runs if run.label == label}
