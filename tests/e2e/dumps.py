#!/usr/bin/env python3
"""Looks at the dumps of a directory as a user would: files and go tool pprof.

    dumps.py whole DIR             every visible dump is whole
    dumps.py oom DIR OPTION…       the evidence of one kill; one line, exit 1 when it is not there
    dumps.py count DIR             how many dumps
    dumps.py outcome DIR           succeeds once every dump has its outcome
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys

CLOCK_SLACK_MS = 1500  # between what the harness saw and what the manifest says


def dump_folders(directory):
    """The visible dumps: what does not begin with a dot and is named by a time."""
    for folder, names, _ in os.walk(directory):
        for name in sorted(n for n in names if re.match(r"\d{8}T\d{6}Z-", n)):
            yield os.path.join(folder, name)
        names[:] = [n for n in names if not n.startswith(".") and not re.match(r"\d{8}T", n)]


def read_manifest(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        return json.load(f)


def problems(folder):
    """What is wrong with one dump, as lines."""
    try:
        manifest = read_manifest(folder)
    except (OSError, ValueError) as error:
        return [f"{folder}: {error}"]
    found = []
    for entry in manifest["files"]:
        path = os.path.join(folder, entry["name"])
        try:
            with open(path, "rb") as f:
                content = f.read()
        except OSError as error:
            found.append(str(error))
            continue
        if len(content) != entry["bytes"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
            found.append(f"{path}: not the {entry['bytes']} bytes of its manifest")
    if not manifest["files"]:
        found.append(f"{folder}: names no files")
    return found


def whole(directory):
    found = [line for folder in dump_folders(directory) for line in problems(folder)]
    print(*found, sep="\n", end="\n" if found else "")
    return not found


def top_user_functions(profile):
    """The functions of package main with the largest cumulative value (a
    function and what is inlined into it share one), and pprof's first line."""
    command = ["go", "tool", "pprof", "-symbolize=none", "-top", "-cum", "-nodecount=8"]
    if os.path.basename(profile).startswith("heap"):
        command.append("-sample_index=inuse_space")
    run = subprocess.run([*command, profile], capture_output=True, text=True, check=False)
    lines = re.findall(r"^\s*\S+\s+\S+%\s+\S+%\s+(\S+)\s+\S+%\s+(main\..*)$", run.stdout, re.M)
    return [name for cum, name in lines if cum == lines[0][0]], str(lines[:1] or run.stderr.strip())


def first_that_names(directory, profile, function):
    """The earliest dump whose diff names the function, and why the others do not."""
    others = []
    for folder in sorted(dump_folders(directory), key=lambda f: read_manifest(f)["time"]):
        path = os.path.join(folder, profile + ".diff.pb.gz")
        names, line = top_user_functions(path) if os.path.exists(path) else ([], "no such file")
        if any(name.startswith(function) for name in names):
            return folder, others
        others.append(f"{os.path.basename(folder)}: {line}")
    return None, others


def oom(o):
    errors = [line for folder in dump_folders(o.directory) for line in problems(folder)]
    folder, others = first_that_names(o.directory, o.profile, o.function)
    if folder is None:
        print(f"no dump names {o.function}:", *others, sep="\n  ")
        return False
    manifest = read_manifest(folder)
    written_ms = int(os.stat(os.path.join(folder, o.profile + ".diff.pb.gz")).st_mtime * 1000)
    lead_ms = o.killed_ms - written_ms
    outcome = manifest.get("outcome", {})
    if lead_ms <= 0:
        errors.append(f"written {-lead_ms} ms after the kill")
    if outcome.get("cause") not in o.cause.split(","):
        errors.append(f"outcome {outcome}, wanted {o.cause}")
    elif abs(outcome["lead_ms"] - lead_ms) > CLOCK_SLACK_MS:
        errors.append(f"manifest says {outcome['lead_ms']} ms of lead, the harness saw {lead_ms}")
    if min(lead_ms, outcome.get("lead_ms", lead_ms)) < (o.lead_ms or 0):
        errors.append(f"{lead_ms} ms of lead, wanted {o.lead_ms}")
    for name, wanted, seen in (("outcome", o.source, outcome.get("source")),
                               ("memory", o.memory, manifest.get("memory", {}).get("source"))):
        if wanted not in (None, seen):
            errors.append(f"{name}'s source is {seen}, wanted {wanted}")
    if outcome.get("cause") == "oom" and outcome.get("exit_code") != 137:
        errors.append(f"exit code {outcome.get('exit_code')} for an OOM kill")
    native = os.path.isdir(os.path.join(folder, "native"))
    if o.native == "false" and native:
        errors.append("phase 2 ran although it is disabled")
    print(f"{manifest['trigger']} dump {lead_ms / 1000:.1f} s before the kill names {o.function}, "
          f"outcome {outcome.get('cause')} by {outcome.get('source')}"
          f"{', native' if native else ''}")
    print(*errors, sep="\n", end="\n" if errors else "")
    if o.result:
        with open(o.result, "a", encoding="utf-8") as f:
            print(lead_ms, manifest["trigger"], outcome.get("cause"), len(errors), file=f)
    return not errors


def outcomes_stamped(directory):
    folders = list(dump_folders(directory))
    return bool(folders) and all("outcome" in read_manifest(f) for f in folders)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["whole", "oom", "count", "outcome"])
    parser.add_argument("directory")
    parser.add_argument("--killed-ms", type=int)
    parser.add_argument("--profile", choices=["goroutine", "heap"])
    parser.add_argument("--function")
    parser.add_argument("--cause", help="accepted, with commas between")
    parser.add_argument("--lead-ms", type=int, help="at least so long before the kill")
    parser.add_argument("--source", help="of the outcome")
    parser.add_argument("--memory", help="where the memory was read: cgroup-v2 …")
    parser.add_argument("--native")
    parser.add_argument("--result", help="file that gets one line: lead ms, trigger, cause, errors")
    o = parser.parse_args()
    if o.command == "count":
        print(sum(1 for _ in dump_folders(o.directory)))
        return 0
    run = {"whole": lambda: whole(o.directory), "oom": lambda: oom(o),
           "outcome": lambda: outcomes_stamped(o.directory)}
    return 0 if run[o.command]() else 1


if __name__ == "__main__":
    sys.exit(main())
