"""Programs and their watchers, for the tests with real services: each program
has a `leakwatch watch` of its own, and is judged by what that one says.

Everything lives in one temporary directory and ends with the `with` block.
"""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BIN = os.path.join(ROOT, "build/e2e")
APPS = os.path.join(ROOT, "tests/e2e/apps")
LEAKWATCH = os.environ.get("LEAKWATCH", os.path.join(ROOT, "build/release/leakwatch"))
LOUD = ("likely", "confirmed")

# So many seconds of a service's life go by in one. A window of the detectors is
# then: 90 minutes 22 s, 8 hours 2 minutes.
TIME_SCALE = int(os.environ.get("TIME_SCALE", "240"))
# What is not scaled is the machine: the cadences are divided too, so that of
# the dearer samples fewer are taken than a real hour has.
CADENCE = ["--goroutine-interval", "20s", "--memory-interval", "10s"]


# Far above what the services take, so that memory alone is no reason for a dump.
LIMIT = "512Mi"


def scaled(hours):
    """Seconds of a test in which so many hours go by."""
    return hours * 3600 / TIME_SCALE


def wait_until(seconds, what, condition):
    """The first true value of condition(); RuntimeError when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"never: {what}")
        time.sleep(0.1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(url):
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(url, timeout=2).status == 200
    except OSError:
        return False


class Program:
    """A child process with its output in a file."""

    def __init__(self, name, log, command, **popen):
        self.name, self.log, self.wanted = name, log, True
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, **popen)

    @property
    def running(self):
        return self.process.poll() is None

    def check(self):
        if self.wanted and not self.running:
            raise RuntimeError(f"{self.name} ended: {self.tail()}")

    def tail(self):
        with open(self.log, errors="replace") as f:
            return "".join(line[:300] + "\n" for line in f.read().splitlines()[-5:])

    def end(self, how=signal.SIGTERM):
        self.wanted = False
        if self.running:
            self.process.send_signal(how)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Watch:
    """A watcher beside a program that serves pprof at address."""

    def __init__(self, fleet, name, address):
        self.name, self.dir = name, os.path.join(fleet.dir, name)
        os.mkdir(self.dir)
        self.start, self.trouble = time.monotonic(), None
        self.program = fleet.spawn(name + ".watch", [
            LEAKWATCH, "watch", "--strict", "--dir", self.dir, "--listen", "off", "--log-level", "warn",
            "--time-scale", str(TIME_SCALE), *CADENCE, "--target", f"{name}=http://{address},limit={LIMIT}"])

    def seconds(self):
        return time.monotonic() - self.start

    def target(self):
        """The target's status; None while the watcher cannot tell: see trouble."""
        told = subprocess.run([LEAKWATCH, "status", "--dir", self.dir, "-o", "json"],
                              capture_output=True, timeout=20)
        try:
            target = json.loads(told.stdout)["targets"][0]
            self.trouble = None if target["state"] == "alive" else f"{target['state']} {target['problem']}"
            return target
        except (ValueError, LookupError):
            self.trouble = f"exit {told.returncode}, {told.stderr.decode(errors='replace')[-200:]!r}"
            return None

    def dumps(self):
        """Of each: its folder, manifest and summary."""
        found = []
        for path in sorted(glob.glob(os.path.join(self.dir, "2*", "manifest.json"))):
            folder = os.path.dirname(path)
            with open(path) as manifest, open(os.path.join(folder, "summary.txt")) as summary:
                found.append((folder, json.load(manifest), summary.read()))
        return found

    def unseen(self):
        """What was wrong with the watching, if anything."""
        self.target()
        return [f"it is not watched: {self.trouble}"] if self.trouble else []

    def accusations(self):
        """Of a program that is sound: a loud verdict, or a dump; with its summary."""
        target = self.target()
        found = []
        if alarm(target):
            found.append(f"false alarm after {self.seconds():.0f} s: {verdict_text(target)}: "
                         f"{target['verdict']['evidence']}")
        for folder, _, summary in self.dumps():
            found += [f"a dump: {os.path.basename(folder)}", *summary.splitlines()[:40]]
        return found


def alarm(target):
    """What a sound program must not have: the verdict, when it is loud."""
    verdict = target and target["verdict"]
    return verdict if verdict and verdict["grade"] in LOUD else None


def culprit_text(c):
    place = f"{c['function']}:{c['line']}" if c else "nobody"
    return place.rsplit("/", 1)[-1]


def verdict_text(target):
    """One line a verdict: kind, grade, pattern, first culprit."""
    v, stacks = target["verdict"], target["stacks"]
    first = stacks[0] if stacks else None
    return f"{v['kind']} {v['grade']} {first.get('pattern', '-') if first else '-'} {culprit_text(first)}"


class Fleet:
    """All processes of a test."""

    def __init__(self, name):
        self.dir = tempfile.mkdtemp(prefix=f"leakwatch-{name}.")
        self.programs, self.over = [], False
        self.ends = []  # last started, first ended
        self.lock = threading.Lock()

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        return self

    def __exit__(self, *_):
        with self.lock:
            self.over = True  # for threads that still look
        for end in reversed(self.ends):
            end()
        if os.environ.get("KEEP"):
            print(f"kept: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def spawn(self, name, command, how=signal.SIGTERM, **popen):
        with self.lock:
            if self.over:
                raise RuntimeError("the test is over")
            program = Program(name, os.path.join(self.dir, name + ".log"), command, **popen)
            self.programs.append(program)
            self.ends.append(lambda: program.end(how))
        return program

    def check(self):
        """Whatever was started and not ended must run."""
        with self.lock:
            programs = list(self.programs)
        if self.over:
            raise RuntimeError("the test is over")
        for program in programs:
            program.check()

    def shop(self, name, pattern, *arguments):
        """One pattern's service; returns it and the address of its pprof."""
        binary = "shop-timers" if pattern in ("time-after", "ticker") else "shop"
        ready = os.path.join(self.dir, name + ".ready")
        program = self.spawn(name, [os.path.join(BIN, binary), "-ready", ready, *arguments, pattern])

        def address():
            program.check()
            return os.path.exists(ready) and open(ready).read()
        return program, wait_until(20, f"{name} is ready", address)

    def postgres(self):
        """Starts a PostgreSQL of our own; returns its connection string."""
        binaries = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(re.search(r"\d+", p)[0]))
        home = tempfile.mkdtemp(prefix="leakwatch-pg.")
        self.ends.append(lambda: shutil.rmtree(home, ignore_errors=True))
        data, identity = os.path.join(home, "data"), {}
        if os.geteuid() == 0:  # which it refuses to run as
            nobody = pwd.getpwnam("nobody")
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
            identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        subprocess.run([f"{binaries}/initdb", "-D", data, "-U", "shop", "-A", "trust", "-N", "--no-instructions"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)
        self.spawn("postgres", [f"{binaries}/postgres", "-D", data, "-k", home, "-c", "listen_addresses=",
                                "-c", "max_connections=1000", "-c", "fsync=off", "-c", "shared_buffers=16MB"],
                   how=signal.SIGINT, cwd="/", **identity)
        wait_until(20, "PostgreSQL is ready", lambda: subprocess.run(
            [f"{binaries}/pg_isready", "-q", "-h", home]).returncode == 0)
        return f"host={home} user=shop dbname=postgres"
