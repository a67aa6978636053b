"""A real SLURM of one node on the loopback, in a folder of its own; needs Debian's slurm-wlm and munge, no systemd.

`python -m tests.cluster.slurm_node` keeps one until Ctrl-C, and prints how another terminal reaches it.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

CPUS = 8  # of the node, whatever this machine has: so many tiny runs at once
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
START_SECONDS = 60.0
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))  # where Debian has the daemons

# Without cgroups and without accounting: a container has neither. MinJobAge: SLURM forgets ended jobs soon, as a
# busy cluster does, so that nothing may rely on its memory.
_CONFIGURATION = """\
ClusterName=isthmus-test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={controller}
SlurmdPort={daemon}
CommunicationParameters=NoCtldInAddrAny
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=100000,requeue_setup_env_fail
JobRequeue=1
MinJobAge=5
KillWait=5
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=4000 State=UNKNOWN
PartitionName=tiny Nodes={host} Default=YES MaxTime=60 State=UP
"""


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]


@contextlib.contextmanager
def slurm_node() -> Generator[dict[str, str]]:
    """Start munged, slurmctld and slurmd; yields the environment variables with which sbatch finds them.

    Raises RuntimeError with the daemons' last words if the node is not ready after START_SECONDS.
    """
    folder = Path(tempfile.mkdtemp(prefix="isthmus-slurm-"))
    folder.chmod(0o711)  # munged wants its socket where everybody could reach it; pytest's own folders are not so
    _configure(folder)
    environment = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _PATH}
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        files = ("key-file=munge.key", "socket=munge.sock", "pid-file=munged.pid", "log-file=munged.log")
        options = [f"--{name}={folder}/{file}" for name, file in (each.split("=") for each in files)]
        daemons.append(_start(folder, "munged", "--foreground", *options, f"--seed-file={folder}/munged.seed"))
        _wait(folder, daemons, lambda: (folder / "munge.sock").exists())
        daemons.append(_start(folder, "slurmctld", "-D", "-i"))
        daemons.append(_start(folder, "slurmd", "-D"))
        _wait(folder, daemons, lambda: _said(environment, "sinfo", "--noheader", "--format=%t").strip() == "idle")
        yield environment
        _end_jobs(environment)
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [each.getsockname()[1] for each in (one, other)]
    host = socket.gethostname().partition(".")[0]
    text = _CONFIGURATION.format(
        host=host, user=getpass.getuser(), folder=folder, controller=ports[0], daemon=ports[1], cpus=CPUS
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text("IgnoreSystemd=yes\n")


def _start(folder: Path, program: str, *options: str) -> subprocess.Popen[bytes]:
    with (folder / f"{program}.said").open("wb") as said:
        return subprocess.Popen(
            [program, *options],
            env={**os.environ, "PATH": _PATH, "SLURM_CONF": str(folder / "slurm.conf")},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C in a terminal is for what uses the node
        )


def _wait(folder: Path, daemons: list[subprocess.Popen[bytes]], ready) -> None:
    until = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > until or any(daemon.poll() is not None for daemon in daemons):
            words = [line for file in folder.glob("*.said") for line in file.read_text().splitlines()[-8:]]
            raise RuntimeError("the SLURM node did not start:\n" + "\n".join(words))
        time.sleep(0.1)


def _said(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    return done.stdout


def _end_jobs(environment: dict[str, str]) -> None:
    """No job outlives its node."""
    until = time.monotonic() + START_SECONDS
    while (left := _said(environment, "squeue", "--noheader", "--format=%i").split()) and time.monotonic() < until:
        _said(environment, "scancel", "--full", *left)
        time.sleep(0.5)


def main() -> None:
    with slurm_node() as environment:
        print(f"export SLURM_CONF={environment['SLURM_CONF']}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
