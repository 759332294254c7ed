"""A clean Debian in a directory, in which packages are installed and a system can be booted.

Needs root. Made by debootstrap (variant minbase) from the sources that this machine's apt has, once:
a tar of it is kept in .cache for a week.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from node import ROOT, wait_until

CACHE = ROOT / ".cache"
KEPT_S = 7 * 86400
# Runs a command in the tree, with a /proc that is gone when it ends.
ENTER = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
         'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"']


def source():
    """Address and code name of the Debian that apt uses here."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(SITE) $(CODENAME)",
         "Created-By: Packages"], check=True, capture_output=True, text=True).stdout
    for line in told.splitlines():
        origin, site, codename = line.split()
        if origin == "Debian" and "-" not in codename:
            return site, codename
    raise RuntimeError(f"no Debian among apt's sources:\n{told}")


def pristine():
    """The tar of a tree that nothing was done to."""
    site, codename = source()
    tar = CACHE / f"minbase-{codename}.tar"
    if tar.exists() and time.time() - tar.stat().st_mtime < KEPT_S:
        return tar
    directory = CACHE / f"minbase-{os.getpid()}"
    try:
        subprocess.run(["debootstrap", "--variant=minbase", codename, directory, site], check=True,
                       stdout=subprocess.DEVNULL, timeout=1800)
        made = tar.with_suffix(f".{os.getpid()}")
        subprocess.run(["tar", "-C", directory, "--numeric-owner", "-cf", made, "."], check=True)
        made.rename(tar)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return tar


class Tree:
    """A copy of the pristine tree."""

    def __init__(self, directory):
        CACHE.mkdir(exist_ok=True)
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(mode=0o755)
        subprocess.run(["tar", "-C", directory, "--numeric-owner", "-xpf", pristine()], check=True)
        self.directory.chmod(0o755)
        self.machine = None

    def path(self, name):
        return self.directory / name.lstrip("/")

    def command(self, *words):
        return [*ENTER, str(self.directory), *map(str, words)]

    def run(self, *words, check=True, **kwargs):
        """Runs a command to its end; its output is text."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                   "DEBIAN_FRONTEND": "noninteractive"}, timeout=600, **kwargs)
        if check and done.returncode != 0:
            raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def apt(self, *words):
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", *words).stdout

    def files(self, *but):
        """What is in it: path → (mode, owner, size or target), without these directories."""
        found = {}
        for top, directories, names in os.walk(self.directory):
            where = "/" + os.path.relpath(top, self.directory) if top != str(self.directory) else ""
            directories[:] = [name for name in directories if f"{where}/{name}" not in but]
            for name in [*directories, *names]:
                stat = os.lstat(f"{top}/{name}")
                is_dir = os.path.isdir(f"{top}/{name}") and not os.path.islink(f"{top}/{name}")
                found[f"{where}/{name}"] = (stat.st_mode, stat.st_uid, stat.st_gid,
                                            0 if is_dir else stat.st_size)
        return found

    # ---- As a system of its own, with systemd; it has this machine's network

    def boot(self):
        log = open(self.directory.with_suffix(".boot"), "wb")
        self.machine = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", self.directory, "--boot", "--keep-unit",
             "--register=no", "--resolv-conf=off", "--timezone=off"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

        def booted():
            assert self.machine.poll() is None, self.console()
            return self.inside("systemctl", "is-system-running", check=False).stdout.strip() in (
                "running", "degraded")
        wait_until(booted, 60, "the system to boot")

    def console(self):
        return self.directory.with_suffix(".boot").read_text("utf-8", "replace")[-4000:]

    def inside(self, *words, check=True):
        """Runs a command in the booted system."""
        told = pathlib.Path(f"/proc/{self.machine.pid}/task/{self.machine.pid}/children").read_text()
        if not told:
            return subprocess.CompletedProcess(words, 1, "", "")
        done = subprocess.run(["nsenter", "--target", told.split()[0], "--all", *words],
                              capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def halt(self):
        """Shuts it down as its administrator would."""
        machine, self.machine = self.machine, None
        if machine is not None:
            machine.send_signal(signal.SIGTERM)
            machine.wait(60)

    def remove(self):
        if self.machine is not None:
            self.machine.kill()
            self.machine.wait()
        shutil.rmtree(self.directory)
