# SPDX-License-Identifier: MIT
"""Results of test programs: TAP and KTAP output, and the table that all runs add up to."""

import csv
import os
import re
from collections import namedtuple
from itertools import islice, takewhile

# result: pass, fail or skip; ids: rows of Documentation/features.tsv that the test proves.
Result = namedtuple("Result", "result tier file ids name")

LINE = re.compile(r"^(?P<indent> *)(?P<ok>not ok|ok)\b *(?P<number>\d+)?(?: *- *| +|$)(?P<rest>.*)$")
PLAN = re.compile(r"^( *)1\.\.(\d+)\b *(?:# *SKIP\b *(.*))?$", re.I)
DIRECTIVE = re.compile(r"^(.*?)(?:^|\s+)# *(SKIP|TODO)\b *(.*)$", re.I)
IDS = re.compile(r"^(?:test_)?((?:[A-Z]\d\d[ _])+)")

# What the exit status of scripts/uml run and scripts/vm run means beyond the script's own.
STATUS = {
    124: "it ends within its time limit",
    125: "the guest survives to the end",
    126: "the kernel log is clean and nothing leaks",
}


def ids_of(name):
    """Rows at the start of a test's name: "F01 F02 text", "F01_text" or "test_F01_text"."""
    match = IDS.match(name)
    return re.findall(r"[A-Z]\d\d", match.group(1)) if match else []


def parse_tap(text):
    """Cases of a TAP or KTAP text as (result, name), and a list of faults in its form.

    Only leaves count: a line that closes deeper ones is a sum of what was counted already.
    """
    cases, faults = [], []
    planned, top_level, plans = 0, 0, 0
    deeper = []  # (indent, failed) of results not yet closed by a line above them
    for line in text.splitlines():
        if line.startswith("Bail out!"):
            faults.append(line)
        match = PLAN.match(line)
        if match and not match.group(1):
            plans += 1
            planned += int(match.group(2))
            if match.group(2) == "0" and match.group(3) is not None:
                cases.append(("skip", match.group(3) or "everything"))
            continue
        match = LINE.match(line)
        if not match:
            continue
        indent, failed = len(match.group("indent")), match.group("ok") == "not ok"
        top_level += indent == 0
        name, directive = match.group("rest").strip(), None
        found = DIRECTIVE.match(name)
        if found:
            name, directive = found.group(1).strip(), found.group(2).upper()
        children = [f for (i, f) in deeper if i > indent]
        deeper = [(i, f) for (i, f) in deeper if i <= indent] + [(indent, failed)]
        if children and (any(children) or not failed):
            continue
        result = "fail" if failed else "skip" if directive == "SKIP" else "pass"
        cases.append((result, name or f"number {match.group('number')}"))
    if not cases:
        faults.append("it says something")
    elif plans == 0:
        faults.append("it says how many tests there are")
    elif planned != top_level and not (planned == 0 and top_level == 0):
        faults.append(f"all {planned} planned tests report ({top_level} did)")
    return cases, faults


def explanation(text, name, most=8):
    """What a program's output says right below its failed test of this name, at most so much."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        match = LINE.match(line)
        if match and match.group("ok") == "not ok" and match.group("rest").strip() == name:
            said = takewhile(lambda line: line.lstrip().startswith("#"), lines[at + 1:])
            return [line.strip() for line in islice(said, most)]
    return []


def judge(tier, file, text, status):
    """Results of one test program from its output and exit status."""
    cases, faults = parse_tap(text)
    if status != 0 and not any(result == "fail" for result, _ in cases) or status in STATUS:
        faults.append(STATUS.get(status, f"exit status 0 (it was {status})"))
    cases += [("fail", f"{os.path.basename(file)}: {fault}") for fault in faults]
    return [Result(result, tier, file, " ".join(ids_of(name)), name) for result, name in cases]


def load(path):
    try:
        with open(path, newline="") as file:
            return [Result(*row) for row in csv.reader(file, delimiter="\t") if len(row) == 5]
    except FileNotFoundError:
        return []


def store(path, results):
    """Replaces the table in one step; of two who do, the last one's stays."""
    new = f"{path}.{os.getpid()}.new"
    with open(new, "w", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(results)
    os.replace(new, path)


def feature_column(top, column):
    with open(os.path.join(top, "Documentation/features.tsv"), newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return {row["id"]: row[column] for row in csv.DictReader(lines, delimiter="\t",
                                                            quoting=csv.QUOTE_NONE)}


def feature_rows(top):
    """Rows of the feature list in order: {id: feature}."""
    return feature_column(top, "feature")


def feature_areas(top):
    """The group of each row, likewise."""
    return feature_column(top, "group")
