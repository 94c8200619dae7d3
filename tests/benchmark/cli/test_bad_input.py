"""Bad values for every argument and option of every command, generated from its type: one line each, and no trace."""

import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import pytest
import typer
from typer.models import ArgumentInfo, OptionInfo

from lnlbench.benchmark.cli import kinds
from lnlbench.benchmark.cli.app import app
from lnlbench.benchmark.sweep import comparison_plan
from lnlbench.leaderboard import shipped

NOISY = "digits/symmetric-0.4"
# Files in the folder of the test, in which the commands run.
FOLDER, TEXT, EMPTY, LOOP, BROKEN, NOTES = "folder", "text.txt", "empty", "loop", "broken.py", "notes.db"
LONG, HUGE = "x" * 5_000, "9" * 5_000
SECONDS = 30.0  # far more than a command needs to find its mistake, and far less than one that waits
QUICK = {"--replicates": "0", "--epochs": "1", "--device": "cpu", "--jobs": "1"}
GOOD = {  # arguments and options of each command that would be fine
    "run": ([NOISY], QUICK | {"--methods": "ce"}),
    "tune": ([NOISY], QUICK | {"--methods": "ce", "--trials": "1"}),
    "compare": (
        ["gce"],
        QUICK | {"--suite": NOISY},
    ),
    "show": (["ce", "digits/clean", "0"], {}),
    "reproduce": (["ce", "digits/clean", "0"], {}),
    "verify": (["ce", "digits/clean", "0"], {}),
    "export": (["out.jsonl.xz"], {}),
    "import": (["results.jsonl.xz"], {}),
    "submit": ([FOLDER], {"--author": "Ada"}),
    "site": ([FOLDER], {}),
    "new-method": (["my_loss"], {}),
    "check": (["ce"], {}),
    "cite": (["ce"], {}),
    "bench": ([], {"--axis": "input", "--kind": "mlp", "--rounds": "1"}),
    "study run": (["E002-1"], {}),
}

TYPED = ["", "x", "nan", "inf", "-inf", "1e999", HUGE, "/dev/null"]  # of a number with limits
WHOLE = ["1.5", "0x10", "1e3"]  # of an integer
PARSED = {
    kinds.source_file: ["nowhere.xz", FOLDER, TEXT, EMPTY, LOOP, "/dev/null", "", LONG],
    kinds.source: ["nowhere.xz", FOLDER, TEXT, EMPTY, LOOP, "/dev/null", "", LONG],
    kinds.target_file: [FOLDER, f"{TEXT}/x.png", "/proc/x.png", LOOP, "", LONG],
    kinds.folder: ["nowhere", TEXT, LOOP, "/dev/null", "", LONG],
    kinds.target_folder: [TEXT, LOOP, "/dev/null", "/proc/x", "", LONG],
    kinds.line: ["a\nb", "\x1b[2J", LONG],
    kinds.named: ["", " ", "\x1b[2J", LONG],
}
UNPARSED = [
    *("nonsense", "sqlite://", "sqlite:///:memory:", "ftp://127.0.0.1", "mysql://u:secret@127.0.0.1:9/x", "a b"),
    *("http://", "http://[::1", "postgresql://u:secret@127.0.0.1:bad/x", "\x1b[2J"),
]
SILENT = [  # well formed, and no database or server
    *("sqlite:////dev/null", "sqlite:////proc/x.db", f"sqlite:///{NOTES}", f"sqlite:///{FOLDER}"),
    *("http://127.0.0.1:9", "postgresql://u:secret@127.0.0.1:9/x", "postgresql+foo://u:secret@127.0.0.1:9/x"),
]
METHODS = ["gec", "gce(", "gce(q=nan)", "gce(q=-1)", "gce(q=0.5, q=0.6)", "gce(p=1)", "nothing.py", BROKEN, "/dev/null"]
TARGETS = ["digitz", "digits/clen", "digits/symmetric-nan", "digits/symmetric--1", "/dev/null", FOLDER, "\x1b[2J", LONG]
TEXTS = {  # by the name of the parameter
    "targets": TARGETS,
    "suite": [*TARGETS[:4], ""],
    "setting": TARGETS[:2],
    "methods": [*METHODS, FOLDER, "\x1b[2J", "(" * 3_000],
    "against": METHODS,
    "among": METHODS,
    "method": [*METHODS, ""],
    "names": ["gec", "gce(", "", "/dev/null"],
    "run": ["abcdef", "ce digits/clean", "gec digits/clean 0", "ce digits/clean -1", "ce digits/clean nan", ""],
    "what": ["nonsense", FOLDER, TEXT, EMPTY, LOOP, "/dev/null", "", LONG],
    "name": ["", "My-Loss", "class", "1x", "../x", "gce", "é", "x" * 300],
    "seeds": ["a", "-1", "1-", "4-2", "0,,1", "nan", "1.5", "inf", "0-999999999999", HUGE],
    "epochs": ["", "0", "-1", "many", "nan", "inf", "1.5", "0x", "-1x", "nanx", "1000000x", HUGE],
    "changes": [
        "lr",
        "=5",
        "lrr=1",
        "lr=fast",
        "lr=nan",
        "lr=1e999",
        "seeds=0",
        "epochs=1.5",
        "epochs=0",
        "batch_size=-1",
    ],
    "model": ["", "resnet81", "/dev/null", "\x1b[2J"],
    "told": ["", "tru", "true-9", "true-nan", "estimated,"],
    "device": ["", "gpu", "cpu:1", "cuda:999", "cuda:-1", "cuda:x", "meta", "CPU", "/dev/null", f"cuda:{HUGE}"],
    "precision": ["", "fp16", "fp32,bf16", "nan"],
    "execution": ["", "lop", "graph", "loop,stack"],
    "diagnostics": ["", "ful", "basic,full"],
    "executor": ["", "locl", "ray,local"],
    "ray_address": ["nonsense"],
    "budget": ["x", "60"],
    "sampler": ["", "gpp", "gp,tpe"],
    "rule": ["", "noisy", "final,final", "final,"],
    "track": ["defalt", "default,tuned"],
    "form": ["", "html", "csv,json"],
    "ui": ["nonsense", "ftp://x"],
    "family": ["los", "nan"],
    "axis": ["", "inptu", "input,step"],
    "kind": ["", "mpl", "mlp,cnn"],
    "tracking_uri": [*UNPARSED, *SILENT],
    "database": [*UNPARSED, *SILENT, "http://127.0.0.1:5000"],
    "study_storage": [*UNPARSED, *SILENT],
}
SECOND = {("export", "targets"), ("submit", "targets"), ("site", "sources")}  # behind what a command writes
CONTRADICTIONS = [
    ["run", NOISY, "--budget", "60"],
    ["run", NOISY, "--gpus", "1"],
    ["run", NOISY, "--json", "--quiet"],
    ["run", NOISY, "--until-decided", "--budget", "-1"],
    *(["run", NOISY, "--until-decided", "--budget", text, "--dry-run"] for text in ("abc", "-5", "2hours")),
    ["run", NOISY, "--set", "lr=0.1", "--set", "lr=0.2"],
    ["run", NOISY, "--epochs", "2", "--set", "epochs=3"],
    ["tune", NOISY, "--dry-run", "--report", "page.md"],
    ["leaderboard", "--html", "x.html", "--methods", "ce"],
    ["leaderboard", "--figure", "x.png", "--gap"],
    ["leaderboard", "--format", "csv", "--wide"],
    ["leaderboard", "--format", "json", "--pairs"],
    ["leaderboard", "--from", TEXT, "--tracking-uri", "sqlite:///x.db"],
    ["show", "abcdef", "--suspects", "x.csv", "--json"],
    ["list", "suites", "--family", "loss"],
    ["study", "run", "E002-1", "--all"],
]


class Parameter(NamedTuple):
    """An argument or option of a command, as it is declared."""

    command: str
    name: str
    type: Any
    several: bool
    info: Any

    @property
    def option(self) -> str:
        declared = [word for word in self.info.param_decls or () if word.startswith("--")]
        return declared[0] if declared else f"--{self.name.replace('_', '-')}"

    @property
    def bad(self) -> list[str]:
        """Values that are none of its type."""
        if self.info.parser is not None:
            return PARSED[self.info.parser]
        if self.type in (int, float):
            beyond = [str(self.info.min - 1), str(self.info.max + 1)]
            return [*TYPED, *beyond, *(WHOLE if self.type is int else [])]
        silent = SILENT if self.command == "doctor" else []  # it finds what does not answer, with exit code 1
        return [value for value in TEXTS.get(self.name, []) if value not in silent]

    def cases(self) -> list[list[str]]:
        arguments, options = GOOD.get(self.command, ([], {}))
        others = [word for pair in options.items() if pair[0] != self.option for word in pair]
        if isinstance(self.info, ArgumentInfo):
            first = arguments if (self.command, self.name) in SECOND else []
            words = [value.split() if self.name == "run" and value else [value] for value in self.bad]
            return [[*self.command.split(), *first, *given, *others] for given in words]
        line = [*self.command.split(), *arguments, *others]
        if self.type is bool:
            return [[*line, f"{self.option}=yes"], [*line, self.option, self.option]]
        found = [[*line, self.option, value] for value in self.bad] + [[*line, self.option]]
        return found if self.several else [*found, [*line, self.option, "1", self.option, "1"]]


def parameters():
    """Walk the tree of commands."""
    for group in app.registered_groups:
        prefix = f"{group.name} " if isinstance(group.name, str) else ""
        for command in group.typer_instance.registered_commands:
            if command.hidden:
                continue
            named = prefix + (command.name or command.callback.__name__)
            for name, hint in get_type_hints(command.callback, include_extras=True).items():
                infos = [
                    more for more in getattr(hint, "__metadata__", ()) if isinstance(more, (OptionInfo, ArgumentInfo))
                ]
                if infos:
                    declared = [
                        part for part in get_args(hint.__origin__) or [hint.__origin__] if part is not type(None)
                    ]
                    several = get_origin(hint.__origin__) is list or list in map(get_origin, declared)
                    plain = get_args(declared[0])[0] if get_args(declared[0]) else declared[0]
                    yield Parameter(named, name, plain, several, infos[0])


CASES = [case for parameter in parameters() for case in parameter.cases()] + CONTRADICTIONS


def _id(words):
    return " ".join(word if len(word) < 40 else f"{word[:20]}…" for word in words)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Make a folder with files of every wrong kind, and a home in which nothing is."""
    root = tmp_path_factory.mktemp("bad")
    (root / "home").mkdir()
    (root / FOLDER).mkdir()
    (root / TEXT).write_text("These are my notes. " * 50)
    (root / NOTES).write_bytes(b"These are my notes. " * 500)
    (root / BROKEN).write_text("this is no python (")
    (root / EMPTY).touch()
    (root / LOOP).symlink_to(root / LOOP)
    return root


def held(root: Path) -> set[Path]:
    """All that lies there, but for lists and data sets that are kept for the next command."""
    return {path for path in root.rglob("*") if not path.name.startswith("list-") and "cache" not in path.parts}


def test_there_are_enough_of_every_command():
    assert len(CASES) >= 400
    named = {parameter.command for parameter in parameters()}
    assert {"run", "tune", "leaderboard", "study run", "import", "doctor"} <= named
    assert named <= {" ".join(case[: len(name.split())]) for case in CASES for name in named}


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Make the tree of commands once, and read no results that come with the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        for module in (comparison_plan, shipped):
            patch.setattr(module, "shipped", lambda **_: [])
        yield


@pytest.mark.slow
@pytest.mark.parametrize("words", CASES, ids=_id)
def test_a_bad_value_is_one_line_and_leaves_nothing(one_line, lnlbench, place, monkeypatch, words):
    monkeypatch.chdir(place)
    monkeypatch.setenv("LNLBENCH_HOME", str(place / "home"))
    for name in ("MLFLOW_TRACKING_URI", "LNLBENCH_DATA", "LNLBENCH_DATABASE", "LNLBENCH_STUDIES", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    before, began = held(place), time.monotonic()
    code, out, err = lnlbench(*words)
    one_line((code, out, err), "lnlbench: ")
    assert time.monotonic() - began < SECONDS
    assert "\x1b" not in err and "secret" not in err and "Traceback" not in err
    assert held(place) == before


@pytest.mark.parametrize("address", SILENT)
@pytest.mark.parametrize("option", ["--tracking-uri", "--database"])
def test_doctor_finds_what_does_not_answer(lnlbench, place, monkeypatch, option, address):
    monkeypatch.chdir(place)
    monkeypatch.setenv("LNLBENCH_HOME", str(place / "home"))
    code, out, err = lnlbench("doctor", option, address)
    assert (code, err) == (1, "") or (option == "--database" and address.startswith("http") and code == 2)
    assert "secret" not in out
