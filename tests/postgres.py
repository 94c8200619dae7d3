"""A PostgreSQL server of the tests' own: private to this machine, made in a temporary folder and gone with it."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "LNLBENCH_TEST_POSTGRES"  # the URL of a server to use instead
NEEDED = ("initdb", "pg_ctl", "psql")


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest where Debian has several; None where there are none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    if found := shutil.which("initdb"):
        folders.append(Path(found).parent)
    return next((folder for folder in folders if all((folder / name).exists() for name in NEEDED)), None)


def missing() -> str:
    """Why there can be no server here, in a line; nothing where there can be one."""
    if os.environ.get(VARIABLE):
        return ""
    if programs() is None:
        return f"needs PostgreSQL: apt-get install postgresql, or the URL of a server in {VARIABLE}"
    if os.geteuid() == 0 and _user() is None:
        return "needs a user beside root: initdb refuses root, and there is neither postgres nor nobody"
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError:
        return "needs a driver: pip install '.[postgres]'"
    return ""


@contextmanager
def server() -> Iterator[str]:
    """Start a server on loopback; gives the URL of its database `postgres`."""
    if url := os.environ.get(VARIABLE):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="lnl-pg-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        user = _user() if os.geteuid() == 0 else None
        if user:
            os.chown(name, user.pw_uid, user.pw_gid)
        data, log, bin_ = Path(name) / "data", Path(name) / "log", programs()

        def run(program: str, *arguments: str | Path) -> None:
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
            environment = {"PATH": os.environ["PATH"], "HOME": name}
            command = [bin_ / program, *arguments]
            subprocess.run(command, check=True, cwd=name, capture_output=True, env=environment, **who)

        run("initdb", "-D", data, "-U", "lnlbench", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        how = f"-c listen_addresses=127.0.0.1 -p {port} -k {name} -c fsync=off -c max_connections=100"
        # Output to the log alone: a server that inherits our pipe would keep it open.
        run("pg_ctl", "-D", data, "-l", log, "-w", "-o", how, "start")
        try:
            yield f"postgresql://lnlbench@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


if __name__ == "__main__":  # a server to play with, until the input ends
    if why := missing():
        sys.exit(why)
    with server() as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stdin.read()
