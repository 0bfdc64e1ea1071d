#!/usr/bin/env python3
"""Measures brick, against oneDNN and LIBXSMM where they can be had, and writes a table, JSON and charts.

Each row is a problem: its best time, the share of the peak measured in the same run, the time of the peer, interleaved in
one process, and the ratio of the two. Rows under the bar are measured twice more, longer, and the median counts. Needs
Python 3.11 and nothing else; charts are drawn where matplotlib is, or can be installed under the directory of the peers.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "bench"
HERE = ROOT / "benches"
# The driver's mode, the types, the minibatches (None: the mode has its own sizes).
SUITES = {
    "kernels": None,
    "ip": ("ip", ["f32", "bf16", "int8"], [None]),
    "mm": ("mm", ["f32", "bf16", "int8"], [None]),
    "bmm": ("bmm", ["f32", "bf16"], [None]),
    "conv": ("conv", ["f32", "bf16", "int8"], [1, 16]),
    "misc": ("misc", ["f32", "bf16", "int8"], [None]),
    "lstm": ("lstm", ["f32", "bf16"], [None]),
    "rnn": ("rnn", ["f32", "bf16"], [None]),
    "elementwise": ("mem", ["f32", "bf16"], [None]),
    "ovh": ("ovh", ["f32"], [None]),
}
TITLES = {
    "kernels": "batch-reduce GEMM", "ip": "inner product", "mm": "matmul", "bmm": "batched matmul",
    "conv": "ResNet-50 convolutions", "misc": "other convolutions", "lstm": "LSTM", "rnn": "recurrent layers",
    "elementwise": "memory-bound primitives", "ovh": "overheads",
}


@dataclass
class Row:
    suite: str
    type: str
    label: str  # the driver's name of the case
    problem: str
    ns: float | None = None  # best time of brick; None where it refuses the problem
    gflops: float | None = None  # GB/s where memory is the bound
    peak_pct: float | None = None
    peer: str | None = None
    peer_ns: float | None = None
    peer_pct: float | None = None
    ratio: float | None = None  # the peer's time over brick's: the median of the runs
    ratios: list[float] = field(default_factory=list)
    wrong: str = ""

    def settle(self):
        if self.ns and self.peer_ns:
            self.ratios.append(self.peer_ns / self.ns)
            self.ratio = statistics.median(self.ratios)

    def take(self, again):
        """Another run of the same case: the best times stay, its ratio counts."""
        again.settle()
        self.wrong = self.wrong or again.wrong
        if again.ns and again.ns < self.ns:
            self.ns, self.gflops, self.peak_pct = again.ns, again.gflops, again.peak_pct
        if again.peer_ns and again.peer_ns < self.peer_ns:
            self.peer_ns, self.peer_pct = again.peer_ns, again.peer_pct
        self.ratios += again.ratios
        self.ratio = statistics.median(self.ratios)


# ---- problem strings


def problem_of(label, minibatch):
    """The driver's label as a problem string in oneDNN's style; labels of other forms stand for themselves."""
    if m := re.fullmatch(r"(fwd|bwd_d|bwd_w) +ip n(\d+)c(\d+)k(\d+)", label):
        return f"{m[1]} mb{m[2]}ic{m[3]}oc{m[4]}"
    if m := re.fullmatch(r"mm (\S+) m(\d+)n(\d+)k(\d+)", label):
        return f"{m[2]}x{m[4]}:{m[4]}x{m[3]}" + (" wei:any" if m[1] == "any-w" else "")
    if m := re.fullmatch(r"bmm b(\d+)m(\d+)n(\d+)k(\d+)", label):
        return f"{m[1]}x{m[2]}x{m[4]}:{m[1]}x{m[4]}x{m[3]}"
    if m := re.fullmatch(r"(\w+) +L\d+ +c(\d+)k(\d+)h(\d+)r(\d+)s(\d+) x\d+", label):
        c, k, h, r, s = (int(x) for x in m.groups()[1:])
        pad = r // 2
        out = (h + 2 * pad - r) // s + 1
        return f"{m[1]} mb{minibatch}ic{c}ih{h}oc{k}oh{out}kh{r}sh{s}ph{pad}"
    if m := re.fullmatch(r"(lstm|gru|rnn) (\w+) (?:l(\d+))?n(\d+)t(\d+)c(\d+)( ldigo)?", label):
        cell, direction, layers, n, t, c, tag = m.groups()
        return f"{cell} {direction} l{layers or 1}t{t}mb{n}sic{c}slc{c}dhc{c}" + (" wei:ldigo" if tag else "")
    return " ".join(label.split())


# ---- the driver's output

TIMED = re.compile(
    r"(?P<name>\w+) +(?P<rate>[\d.]+|inf) (?:\( *[\d.]+\)|) *(?:(?P<bytes>GB/s)|(?P<pct>[\d.]+|inf)%) +(?P<time>[\d.]+) ?(?P<unit>us|ms)"
)
CREATED = re.compile(r"(\w+) +create\+args\+1 run (.+?) +(first|again \(cache\)) +pd\+primitive +([\d.]+) us.* (\S+)$")


class Suite:
    """The rows of one mode, type and minibatch, filled from the driver's lines."""

    def __init__(self, name, kind, minibatch, limits):
        self.name, self.kind, self.minibatch, self.limits = name, kind, minibatch, limits
        self.rows: dict[str, Row] = {}
        self.peer = None
        self.direction = ""  # of the row before a total

    def row(self, label):
        if label not in self.rows:
            self.rows[label] = Row(self.name, self.kind, label, problem_of(label, self.minibatch))
        return self.rows[label]

    def read(self, line):
        """Takes a line in; the row if the line was one."""
        if line.startswith("#"):
            if m := re.match(r"# (onednn): \S+ v(\S+)", line):
                self.peer = f"oneDNN {m[2]}"
            return None
        if m := CREATED.match(line):
            library, what, when, microseconds, implementation = m.groups()
            row = self.row(f"create {what}, {'cached' if 'cache' in when else 'cold'}")
            if implementation != "FAILED":
                self.book(row, library, 1e3 * float(microseconds), None, None)
            return row
        if "|" not in line:
            return None
        head, *columns = line.split(" | ")
        label = head.strip()
        if label.startswith("TOTAL"):
            label += f", {self.direction}"
        else:
            self.direction = label.split()[0]
        row = self.row(label)
        row.wrong = next((c.strip() for c in columns if "WRONG" in c), row.wrong)
        for column in columns:
            if (m := TIMED.match(column.strip())) and m["rate"] != "inf":
                ns = float(m["time"]) * (1e3 if m["unit"] == "us" else 1e6)
                self.book(row, m["name"], ns, float(m["rate"]), m["bytes"])
        return row

    def book(self, row, library, ns, rate, is_bytes):
        percent = self.percent(rate, ns, is_bytes) if rate and self.name != "ovh" else None
        if library == "brick":
            row.ns, row.gflops, row.peak_pct = ns, rate, percent
        else:
            row.peer, row.peer_ns, row.peer_pct = self.peer, ns, percent

    def percent(self, rate, ns, is_bytes):
        if not self.limits:
            return None
        if not is_bytes:
            return 100 * rate / (self.limits[self.kind] * self.limits["threads"])
        moved = rate * ns  # bytes
        level = "l2" if moved <= self.limits["l2_bytes"] else "l3" if moved <= self.limits["l3_bytes"] else "memory"
        return 100 * rate / (self.limits[f"copy_{level}"] * self.limits["threads"])


# ---- the terminal


class Screen:
    def __init__(self):
        self.tty = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colour = self.tty and "NO_COLOR" not in os.environ
        self.utf8 = "utf" in (sys.stdout.encoding or "").lower()

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def bar(self, share, width=20):
        if not (self.tty and self.utf8):
            return ""
        eighths = round(max(0, min(1, share)) * width * 8)
        return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()

    def time(self, ns):
        if ns is None:
            return "-"
        for unit, scale in (("ns", 1), ("us", 1e3), ("ms", 1e6)):
            if ns < 1000 * scale or unit == "ms":
                return f"{ns / scale:.{1 if ns < 1e5 or unit != 'ns' else 0}f} {unit}"

    def title(self, suite, threads):
        name = f"{TITLES[suite.name]}, {suite.kind}" + (f", minibatch {suite.minibatch}" if suite.minibatch else "")
        print(f"\n{self.paint(1, name)}, {threads} thread{'s'[: threads > 1]}")
        print(self.paint(2, f"  {'problem':46} {'brick':>11} {'of peak':>8} {suite.peer or 'peer':>13} {'ratio':>6}"))

    def row(self, row):
        percent = "" if row.peak_pct is None else f"{row.peak_pct:.1f} %"
        text = f"  {row.problem:46} {self.time(row.ns):>11} {percent:>8} {self.time(row.peer_ns):>13}"
        if row.ratio:
            code = 32 if row.ratio >= 1 else 33 if row.ratio >= 0.95 else 31
            text += " " + self.paint(code, f"{row.ratio:6.2f}") + "  " + self.bar(row.ratio / 2)
        elif row.ns is None:
            text += self.paint(2, "  not supported by brick")
        print(text.rstrip() + (self.paint("1;31", f"  {row.wrong}") if row.wrong else ""), flush=True)

    def summary(self, suite):
        rated = [r for r in suite.rows.values() if r.ratio and not r.label.startswith("TOTAL")]
        peaks = [r.peak_pct for r in suite.rows.values() if r.peak_pct]
        refused = sum(r.ns is None for r in suite.rows.values())
        parts = []
        if rated:
            worst = min(rated, key=lambda r: r.ratio)
            mean = statistics.geometric_mean(r.ratio for r in rated)
            parts.append(f"geometric mean of {len(rated)}: {mean:.3f}, lowest {worst.ratio:.2f} ({worst.problem})")
        if peaks:
            parts.append(f"mean of peak {statistics.mean(peaks):.1f} %")
        if refused:
            parts.append(f"{refused} not supported")
        print("  " + self.paint(1, "; ".join(parts) or "nothing measured"))


# ---- running


def build_limits(library_folder):
    program = WORK / "limits"
    subprocess.run(
        ["gcc", "-std=c99", "-O2", "-march=native", f"-I{ROOT}/include", f"-I{ROOT}/examples", HERE / "limits.c", "-o",
         program, f"-L{library_folder}", "-lbrick", "-lm", f"-Wl,-rpath,{library_folder}"], check=True)
    return program


def measure_limits(options):
    """The machine's peaks, from a program that runs on the same processor."""
    try:
        program = build_limits(ROOT / "target" / "release")
        text = subprocess.run(["taskset", "-c", str(options.cpu), program], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bench: the machine's limits cannot be measured: {error}", file=sys.stderr)
        return {}
    return json.loads(text) | {"threads": options.threads}


def versus(suite, options, arguments):
    """The driver's lines, as they come."""
    mode = SUITES[suite.name][0]
    command = [HERE / "versus" / "versus", "-o", options.library, mode, suite.kind]
    command += [str(suite.minibatch)] if suite.minibatch else []
    environment = os.environ | {"BRICK_PEERS": str(options.peers), "THREADS": str(options.threads), "CPU": str(options.cpu)}
    if options.no_peer:
        environment["OURS_ONLY"] = "1"
    with subprocess.Popen(command + arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield from process.stdout
    if process.returncode not in (0, 1):
        raise SystemExit(f"bench: the driver ended with status {process.returncode}")


def run_suite(name, kind, minibatch, options, limits, screen):
    suite = Suite(name, kind, minibatch, limits)
    arguments = ["-b", str(options.budget)] + (["-s"] if options.short else [])
    arguments += ["-d", options.direction] if options.direction else []
    shown = False
    for line in versus(suite, options, arguments):
        if (row := suite.read(line)) and not shown:
            screen.title(suite, options.threads)
            shown = True
        # Overheads, and several threads, give each library lines of its own: shown when all are there.
        if row and options.threads == 1 and name != "ovh":
            row.settle()
            screen.row(row)
    if options.threads > 1 or name == "ovh":
        for row in suite.rows.values():
            row.settle()
            screen.row(row)
    measure_again(suite, options, screen)
    screen.summary(suite)
    return suite


def measure_again(suite, options, screen):
    low = [r for r in suite.rows.values() if r.ratio and r.ratio < options.again and not r.label.startswith(("create", "TOTAL"))]
    if low:
        print(screen.paint(2, f"  {len(low)} under {options.again}, measured again:"))
    for row in low:
        for _ in range(2):
            probe = Suite(suite.name, suite.kind, suite.minibatch, suite.limits)
            for line in versus(suite, options, ["-b", str(4 * options.budget), "-m", row.label]):
                probe.read(line)
            row.take(probe.row(row.label))
        screen.row(row)


def run_kernels(options, limits, screen):
    """The building block alone: a program of its own that prints a row of JSON a line."""
    suite = Suite("kernels", "all", None, limits)
    program = next((p for p in (HERE / "kernel_bench", ROOT / "target" / "release" / "kernel_bench") if os.access(p, os.X_OK)), None)
    if program is None:
        print("bench: there is no kernel_bench to run", file=sys.stderr)
        return suite
    environment = os.environ | {"BRICK_PEERS": str(options.peers)}
    if options.no_peer:
        environment["OURS_ONLY"] = "1"
    command = ["taskset", "-c", str(options.cpu), program, "-b", str(options.budget)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            known = {k: v for k, v in json.loads(line).items() if k not in ("suite", "problem")}
            problem = json.loads(line)["problem"]
            row = Row("kernels", "all", problem, problem, **known)
            if not suite.rows:
                suite.peer = row.peer
                screen.title(suite, 1)
            suite.rows[problem] = row
            row.settle()
            screen.row(row)
    screen.summary(suite)
    return suite


# ---- results


def processor():
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"model name\s*: (.*)", text)
    return found[1] if found else "unknown processor"


def write(suites, options, limits):
    for suite in suites:
        stem = "-".join(str(p) for p in (suite.name, suite.kind, suite.minibatch and f"mb{suite.minibatch}",
                                         options.threads > 1 and f"{options.threads}threads") if p)
        data = {
            "title": TITLES[suite.name] + f", {suite.kind}" + (f", minibatch {suite.minibatch}" if suite.minibatch else ""),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "processor": processor(),
            "threads": options.threads,
            "limits": limits,
            "peer": suite.peer,
            "rows": [asdict(row) for row in suite.rows.values()],
        }
        path = WORK / f"{stem}.json"
        path.write_text(json.dumps(data, indent=1) + "\n")
        chart = draw(path, options)
        print(f"{os.path.relpath(path)}{chart}")


def plotting_python(options):
    """A Python that has matplotlib: this one, or one in a virtual environment beside the peers, made when needed."""
    has = [sys.executable, "-c", "import matplotlib"]
    if subprocess.run(has, capture_output=True).returncode == 0:
        return sys.executable
    venv = options.peers / "venv"
    python = venv / "bin" / "python"
    if not python.exists() and not options.no_charts:
        print("bench: installing matplotlib for the charts", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True)
        pip = [python, "-m", "pip", "install", "-q", "matplotlib"]
        if made.returncode != 0 or subprocess.run(pip, capture_output=True).returncode != 0:
            shutil.rmtree(venv, ignore_errors=True)
    return python if python.exists() else None


def draw(path, options):
    if options.no_charts:
        return ""
    options.python = options.python if hasattr(options, "python") else plotting_python(options)
    if options.python is None:
        return " (no chart: matplotlib is not there and cannot be installed)"
    chart = path.with_suffix(".svg")
    done = subprocess.run([options.python, HERE / "chart.py", path, chart]).returncode == 0
    return f", {chart.name}" if done else ""


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{', '.join(SUITES)} (default: all)")
    parser.add_argument("--type", choices=["f32", "bf16", "int8"], help="one type only")
    parser.add_argument("--minibatch", type=int, help="of the convolutions (default: 1 and 16)")
    parser.add_argument("--direction", choices=["fwd", "bwd_d", "bwd_w", "inf", "trn", "bwd"], help="one pass only")
    parser.add_argument("--threads", type=int, default=1, help="more than one: wall time, one library a process")
    parser.add_argument("--cpu", type=int, default=0, help="the processor that one thread is pinned to")
    parser.add_argument("--budget", type=float, default=200, metavar="MS", help="time for a row and library (default 200)")
    parser.add_argument("--short", action="store_true", help="every second or third row")
    parser.add_argument("--again", type=float, default=1.0, metavar="RATIO", help="rows below are measured twice more")
    parser.add_argument("--library", type=Path, default=ROOT / "target/release/libdnnl.so", help="brick's libdnnl.so.3")
    parser.add_argument("--peers", type=Path, default=os.environ.get("BRICK_PEERS", ROOT / "target/peers"),
                        help="where peers are kept, fetched when first needed (default: BRICK_PEERS or target/peers)")
    parser.add_argument("--no-peer", action="store_true", help="brick alone; nothing is fetched")
    parser.add_argument("--no-charts", action="store_true", help="no SVG")
    options = parser.parse_args()
    options.peers = Path(options.peers).absolute()
    unknown = [s for s in options.suites if s not in SUITES]
    if unknown:
        parser.error(f"no suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    return options


def main():
    options, screen = parse(), Screen()
    WORK.mkdir(parents=True, exist_ok=True)
    limits = measure_limits(options)
    if limits:
        print(f"{limits['version']}, {limits['isa']}, {processor()}: peak of a core {limits['f32']:.0f} GFLOP/s in f32, "
              f"{limits['bf16']:.0f} in bf16, {limits['int8']:.0f} in int8; memory copied at {limits['copy_memory']:.0f} GB/s")
    suites = []
    for name in options.suites or SUITES:
        if name == "kernels":
            suites.append(run_kernels(options, limits, screen))
            continue
        _, kinds, minibatches = SUITES[name]
        for kind in [k for k in kinds if options.type in (None, k)]:
            for minibatch in [options.minibatch] if options.minibatch and minibatches != [None] else minibatches:
                suites.append(run_suite(name, kind, minibatch, options, limits, screen))
    print()
    write([s for s in suites if s.rows], options, limits)
    wrong = [r for s in suites for r in s.rows.values() if r.wrong]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
