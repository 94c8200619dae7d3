"""The table of a tuning: default against tuned, by the tests of boards."""

import io
from dataclasses import replace
from types import SimpleNamespace

from rich.console import Console
from scipy.stats import kendalltau

from lnlbench.benchmark.cli import tune_display
from lnlbench.benchmark.tuning.budget import Budget
from lnlbench.benchmark.tuning.gains import Gains, gains
from lnlbench.benchmark.tuning.pipeline import Done
from lnlbench.benchmark.tuning.report import budget_of, comparison
from lnlbench.leaderboard.ranking.before_after import Change, Runs, changes
from lnlbench.leaderboard.ranking.board import Cell
from lnlbench.leaderboard.results.rules import RULES
from lnlbench.leaderboard.shipped import shipped
from lnlbench.leaderboard.show.board_figures import OTHER
from lnlbench.leaderboard.show.change_figure import ABOVE, BELOW, changed
from lnlbench.leaderboard.show.words import interval, p_value

SETTING = "mnist-fast/symmetric-0.5"


def test_the_table_holds_p_of_its_own_family():
    """Shipped runs, those of other methods in the place of tuned ones."""
    runs = [run for run in shipped(suites=["mnist-fast"]) if run.setting == SETTING and run.host is None]
    of = {label: [run for run in runs if run.label == label] for label in ("ce", "gce", "sam")}
    searched = {"tuning": {"scores": [[0.5, 0.6], [0.6, 0.9]], "trial": 1}}
    tuned = [
        replace(run, label=label, track="tuned", identity=run.identity | searched)
        for label, source in (("ce", "sam"), ("gce", "gce"))
        for run in of[source]
    ]
    header, _, ce, gce = compared([*runs, *tuned], {}).splitlines()
    assert header.endswith("| tuned − default | p (Holm, 1) | regret |")
    assert gce.endswith("| the same runs | – | 0.00 |")
    others = {run.label: scores_of(run.label, runs) for run in runs}
    (found,) = changes(others, {"ce": scores_of("sam", runs), "gce": scores_of("gce", runs)})
    change = found["ce"]
    assert f"| {change.difference:+.2f} ± {change.half:.2f} | {change.p:.3f} |" in ce


def test_what_a_tuning_won_comes_first_at_its_end():
    """As `tune` prints it, within 80 columns: accuracy on the test set, validation in percent, the next command."""
    runs = [run for run in shipped(suites=["mnist-fast"]) if run.setting == SETTING and run.host is None]
    of = {label: [run for run in runs if run.label == label] for label in ("ce", "gce")}
    search = {"tuning": {"scores": [[0.4, 0.6], [0.5, 0.9]], "trial": 1}}
    tuned = [replace(run, label="gce", track="tuned", identity=run.identity | search) for run in of["ce"]]
    row = {"study": "tune/x/gce", "setting": SETTING, "method": "gce", "trials": 2, "failed": 0, "seconds": 0.6}
    row |= {"search alone": 1, "winner": 1, "validation": 0.5417, "values": "lr 0.1912, weight_decay 0.0001396"}

    text = printed(gains(SETTING, [*runs, *tuned], {}), row)
    assert max(map(len, text.splitlines())) <= 80
    (found,) = changes({"gce": scores_of("gce", runs)}, {"gce": scores_of("ce", runs)})
    change = found["gce"]
    first = text.splitlines()[3]
    assert [cell.strip() for cell in first.split("│")] == [
        "gce",
        interval(change.before),
        interval(change.after),
        f"{change.difference:+.2f} ± {change.half:.2f}",
        p_value(change.p),
        "2",
    ]
    assert text.splitlines()[0] == f"{SETTING}: test accuracy in %, noisy_val"
    assert " 54.17 " in text and "0.5417" not in text and "--compare" not in text
    assert "\nNext: `lnlbench leaderboard mnist-fast/symmetric-0.5 --track tuned` ranks" in text
    alone = printed(gains(SETTING, tuned, {}), row)
    assert alone.splitlines()[3].split("│")[1].strip().startswith(f"{change.after.mean:.2f} ")
    assert "default ┃" not in alone and "with `--compare`" in alone


def printed(won, *rows, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(tune_display.ended(Done([*rows], [], [won])))
    return console.file.getvalue()


def test_the_budget_names_as_many_as_are_confirmed():
    """Of four trainings that search two configurations are tried, and no three can be confirmed."""
    spec = SimpleNamespace(splits=lambda budget: budget.splits, resolution=0.05, size=144)
    said = budget_of([SimpleNamespace(spec=spec, budget=Budget(trials=10, confirm=0.6, splits=2))])
    assert said.endswith("2 configurations on 2 splits each; 4 confirm: 2 configurations on 2 fresh draws.")


def compared(*found):
    return comparison(gains(SETTING, *found))


def change(before, after, p, same=False):
    """A change between means; the interval has two points, p is Holm's over three."""
    cells = [None if mean is None else Cell(mean=mean, half=0.5, n=2, scores={}) for mean in (before, after)]
    return Change(before=cells[0], after=cells[1], half=0.7, p=p, family=3, same=same)


CHANGES = {
    "ce": change(60.0, 60.0, None, same=True),
    "gce": change(70.0, 75.0, 0.01),
    "sam": change(72.0, 66.0, 0.04),
    "elr": change(74.0, 73.0, 0.3),
    "sln": change(None, 90.0, None),
}


def test_what_tuning_changed_is_said_in_words():
    """Counts by Holm's p and not by the interval, and the order of the methods whose defaults were run."""

    def said(*labels):
        chosen = {label: CHANGES[label] for label in labels}
        return Gains(setting=SETTING, said={}, alone={}, chosen=chosen).sentences

    first, order = said(*CHANGES)
    assert first == (
        "Tuned, 1 of 4 methods is surely above its defaults (gce), 1 is surely below (sam); 1 keeps its defaults."
    )
    tau = kendalltau([60, 70, 72, 74], [60, 75, 66, 73]).statistic
    assert order == f"By means elr is first with its defaults, gce tuned; Kendall's τ of the two orders is {tau:.2f}."
    assert said("ce", "elr") == [
        "Tuned, none of 2 methods is surely above its defaults, none is surely below; 1 keeps its defaults."
    ]
    assert said("gce")[0].startswith("Tuned, 1 of 1 method is surely above its defaults (gce), none is ")
    assert said("sln") == []


def test_what_confirming_changed_is_said_too():
    """Where the search alone would have chosen otherwise: how it would have done, and in which methods it differs."""
    alone = CHANGES | {"ce": change(60.0, 55.0, 0.02), "elr": change(74.0, 74.5, 0.4)}
    said = {label: {"confirming": []} for label in CHANGES}
    other = replace(CHANGES["ce"].after, scores={0: 1.0})
    chosen = CHANGES | {"ce": replace(CHANGES["ce"], after=other)}
    assert Gains(setting=SETTING, said=said, alone=alone, chosen=chosen).sentences[1] == (
        "As the search alone would have chosen, 1 of 4 methods is surely above its defaults (gce), "
        "2 are surely below (ce and sam); it differs in ce -5.00 ± 0.70."
    )
    assert len(Gains(setting=SETTING, said={}, alone=alone, chosen=chosen).sentences) == 2, "nothing confirmed"


def test_the_figure_shows_before_and_after():
    """A hollow dot and a filled one in each row that changed, in colour where that is sure; a row without defaults."""
    (axes,) = changed(CHANGES, "").axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["sln", "gce", "elr", "sam", "ce"]
    dots = [
        (line.get_xdata()[0], line.get_color(), line.get_markerfacecolor() == "white")
        for line in axes.lines
        if line.get_marker() == "o"
    ]
    assert sorted(dots) == [
        (60.0, OTHER, False),
        (66.0, BELOW, False),
        (70.0, ABOVE, True),
        (72.0, BELOW, True),
        (73.0, OTHER, False),
        (74.0, OTHER, True),
        (75.0, ABOVE, False),
        (90.0, OTHER, False),
    ]


def scores_of(label, runs):
    return Runs(scores={run.replicate: 100 * RULES["noisy_val"](run) for run in runs if run.label == label})


def test_both_choices_stand_on_the_same_trials():
    """The search alone would have chosen trial 1, the fresh draws chose 2; for `sam` both say the defaults."""
    runs = [run for run in shipped(suites=["mnist-fast"]) if run.setting == SETTING and run.host is None]
    of = {label: [run for run in runs if run.label == label] for label in ("ce", "gce", "sam")}
    search = {"scores": [[0.5, 0.6], [0.6, 0.7], [0.55, 0.9]], "trial": 2, "trials": 9}
    search["confirming"] = [
        {"trial": number, "validation": [0.5 + number / 100, 0.51 + number / 100], "test": [0.6, 0.7]}
        for number in (0, 1, 2)
    ]
    kept = {"scores": [[0.5, 0.9], [0.4, 0.7]], "trial": 0, "trials": 2, "confirming": search["confirming"]}
    made = [
        replace(run, label=label, track=track, identity=run.identity | {"tuning": said})
        for label, source, track, said in (
            ("ce", "gce", "tuned", search),
            ("ce", "sam", "unconfirmed", search),
            ("sam", "sam", "tuned", kept),
        )
        for run in of[source]
    ]
    header, _, ce, sam = compared([*runs, *made], {}).splitlines()
    assert header.startswith("| method | default | search alone | − default | p (Holm, 2) | confirmed | n |")
    means = [100 * sum(map(RULES["noisy_val"], of[label])) / len(of[label]) for label in ("ce", "sam", "gce")]
    cells = [cell.strip() for cell in ce.split("|")][1:-1]
    assert [cells[i].split(" ")[0] for i in (1, 2, 5)] == [f"{mean:.2f}" for mean in means]
    assert cells[-1] == "20.00 → 0.00", "of the best of the search, 0.9"
    assert sam.count("the same runs") == 2 and sam.endswith("| 0.00 → 0.00 |")
    for run in made:
        run.identity["tuning"]["reference"] = SETTING
    *_, ce, _ = compared([*runs, *made], {("ce", SETTING): search | {"trial": 1}}).splitlines()
    assert ce.endswith("| 20.00 → 20.00 |"), "what this search says, where the record is of another one"


def test_a_reading_counts_as_its_host():
    """Under the primary rule a tuned reading is the tuned run, and one without it has no row."""
    runs = [run for run in shipped(suites=["mnist-fast"]) if run.setting == SETTING]
    searched = {"tuning": {"scores": [[0.5, 0.6], [0.6, 0.9]], "trial": 1}}
    hosts = [run for run in runs if run.label == "ce"]
    readings = [run for run in runs if run.label == "early_stopping"]
    tuned = [replace(run, track="tuned", identity=run.identity | searched) for run in (*hosts, *readings)]
    *_, ce, reading = compared([*runs, *tuned], {}).splitlines()
    assert reading.replace(" =", "") == ce.replace("| ce |", "| early_stopping |") and reading.count(" =") == 2
    assert compared(readings, {}, {run.key: run for run in hosts}).count("\n") == 1
    *_, alone = compared([*readings, *tuned[len(hosts) :]], {}, {run.key: run for run in hosts}).splitlines()
    assert alone == reading.replace(" =", ""), "hosts need not be among the rows"
    lost = compared([run for run in (*runs, *tuned) if run.label != "ce"], {})
    assert "early_stopping" not in lost


def test_a_reading_is_neither_tested_nor_counted_again():
    """The choice of `ce` has the runs of `gce`, and so has that of `early_stopping`, which is read off it."""
    runs = [run for run in shipped(suites=["mnist-fast"]) if run.setting == SETTING]
    searched = {"tuning": {"scores": [[0.5, 0.6], [0.6, 0.9]], "trial": 1}}
    of = {label: [run for run in runs if run.label == label] for label in ("ce", "gce", "early_stopping")}
    tuned = [
        replace(run, key=f"{run.key}-tuned", label="ce", track="tuned", identity=run.identity | searched)
        for run in of["gce"]
    ]
    keys = {run.replicate: run.key for run in tuned}
    readings = [
        replace(run, host=keys[run.replicate], track="tuned", identity=run.identity | searched)
        for run in of["early_stopping"]
    ]
    alone, both = gains(SETTING, [*runs, *tuned], {}), gains(SETTING, [*runs, *tuned, *readings], {})
    assert both.family == 1 and both.chosen["ce"] == alone.chosen["ce"] and both.sentences == alone.sentences
    header, _, ce, reading = comparison(both).splitlines()
    assert "p (Holm, 1)" in header and reading.replace(" =", "") == ce.replace("| ce |", "| early_stopping |")


def test_diverged_replicates_are_shown_and_tell_nothing_of_others():
    """As on boards: by their number beside the mean, and out of the prior."""
    runs = [run for run in shipped(suites=["mnist-fast"]) if run.setting == SETTING and run.host is None]
    searched = {"tuning": {"scores": [[0.5, 0.6], [0.6, 0.9]], "trial": 1}}
    sources = {"ce": "gce", "sam": "label_noise_sgd", "elr": "dal"}
    tuned = [
        replace(run, label=label, track="tuned", identity=run.identity | searched)
        for label, source in sources.items()
        for run in runs
        if run.label == source
    ]
    made = [replace(run, diverged=run.label == "elr" and run.replicate == 1) for run in (*runs, *tuned)]
    found = gains(SETTING, made, {})
    others = gains(SETTING, [run for run in made if run.label != "elr"], {})
    assert found.chosen["ce"].half == others.chosen["ce"].half
    assert found.chosen["elr"].after.diverged == 1
    lines = {line.split(" | ")[0].strip("| "): line for line in comparison(found).splitlines()}
    shown = f"{interval(found.chosen['elr'].after)} !1"
    assert f" | {shown} | " in lines["elr"] and lines["elr"].count("!1") == 2 and "!" not in lines["ce"]
    text = printed(found, width=100)
    assert f" {shown} " in text.replace("\xa0", " ") and "\n!2 two runs diverged" in text
    assert "!2" not in printed(others)
