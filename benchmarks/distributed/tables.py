"""Markdown tables of `results/distributed.json`, and what follows for very many texts."""

from __future__ import annotations

from math import ceil
from typing import Any

from benchmarks.docs.markdown import NotMeasuredError, percent, table
from benchmarks.speed.tables import machine_of
from perplexity_detector.pipelines.shards import SHARD_ROWS

#: Numbers of texts that are worked out, as they are written, and days in which they are read.
SIZES = {"10⁸": (10**8, 1), "10¹⁰": (10**10, 30)}
#: Rows of a file, which the guide advises.
FILE_ROWS = 10_000
_WRITES = ("PutObject", "ListObjectsV2")
_READS = ("GetObject", "HeadObject")
_WAYS = {"none": "`--shard=i/n`, no engine", "ray": "`--engine=ray`"}


def engine(record: dict[str, Any]) -> str:
    """Ray and no engine on the same shards."""
    found = _part(record, "engine")
    rows = []
    for name, one in sorted(found["medians"].items(), key=lambda way: way[0].split("-")[::-1]):
        way, _, workers = name.partition("-")
        overhead = inside = "-"
        if way == "ray":
            overhead = percent(found["overhead"][workers])
            plain = found["medians"][f"none-{workers}"]
            inside = percent(_inside_shards(one) / _inside_shards(plain) - 1)
        rows.append(
            [
                workers,
                _WAYS[way],
                f"{one['seconds']:.1f}",
                overhead,
                inside,
                f"{one['texts_per_second']:,.0f}",
                f"{one['seconds_outside_shards']:.1f}",
                f"{one['peak_worker_mb']:,.0f} MB",
            ]
        )
    on = record["machine"]
    load = f"{found['load_at_start']:.1f} at the start and {found['load_at_end']:.1f} at the end"
    return (
        table(
            "| workers | | seconds | overhead | inside shards alone | texts/s | seconds outside "
            "shards | memory of a worker, at most |",
            rows,
        )
        + f"\n\n{found['texts']:,} texts in shards of {found['shard_rows']}; medians of runs, in "
        f"number: {found['rounds']}. {on['cores']} cores of {on['processor']}, Ray {on['ray']}. "
        f"Load of the machine: {load}."
    )


def _inside_shards(one: dict[str, Any]) -> float:
    return float(one["seconds"] - one["seconds_outside_shards"])


def million_shards(record: dict[str, Any]) -> str:
    """Time and memory of planning, checking and merging."""
    found = _part(record, "manifest")
    shards, per_file = found["shards"], found["shards_per_file"]
    names = {
        "plan_files": f"plan, {shards:,} files of one shard",
        "plan": f"plan, {shards // per_file:,} files of {per_file} shards",
        "check": "check every part",
        "merge": "merge",
    }
    rows = [
        [name, f"{found[key]['seconds']:,.0f} s", f"{found[key]['peak_mb']:,.0f} MB"]
        for key, name in names.items()
    ]
    weights = found["bytes_per_shard"]
    return (
        table(f"| {shards:,} shards of one row | time | memory, at most |", rows)
        + f"\n\nThe program alone takes {found['start']['peak_mb']:,.0f} MB. A shard takes "
        f"{weights['manifest']:.2g} bytes of the manifest, and {weights['commit']} of its commit. "
        f"Load of the machine: {found['load_at_start']:.1f} at the start and "
        f"{found['load_at_end']:.1f} at the end."
    )


def paper_cores(speed: dict[str, Any]) -> str:
    """Core-hours and cores, from whole predictions of essays on one machine."""
    on = machine_of(speed, "end_to_end")
    cores = on["cores"]
    readers = speed["models"]["smollm2"]["scorers"]
    rows = []
    for one in speed["end_to_end"]:
        rate = one["texts_per_second"] / cores
        row = [f"`{one['detector']}`", one["precision"], f"{rate:.2f}"]
        for texts, days in SIZES.values():
            hours = texts / rate / 3600
            row += [f"{hours:,.0f}", f"{ceil(hours / 24 / days):,}"]
        rows.append([*row, f"{readers[one['precision']]['peak_mb']:,.0f} MB"])
    head = "| detector | precision | texts/s of a core |"
    for name, (_, days) in SIZES.items():
        within = "a day" if days == 1 else f"{days} days"
        head += f" {name}: core-hours | cores for {within} |"
    head += f" memory to read at full depth, {cores} cores |"
    return table(head, rows) + f"\n\nOne core is one of {on['processor']}."


def paper_cards(gpu: dict[str, Any]) -> str:
    """Card-hours and cards, from the one card that was measured."""
    overlap, on = gpu["overlap"], gpu["machine"]
    words = overlap["tokens"] / overlap["texts"]
    reading = gpu["reading_smollm2"]["best"]["tokens_per_second"] / words
    rows = []
    for name, rate in (
        (f"whole predictions, {on['cores']} cores", overlap["texts_per_second"]),
        ("the language model alone", reading),
    ):
        row = [name, f"{rate:,.0f}"]
        for texts, days in SIZES.values():
            hours = texts / rate / 3600
            row += [f"{hours:,.0f}", f"{ceil(hours / 24 / days):,}"]
        rows.append(row)
    head = f"| {on['card']}, `standard`, bfloat16 | texts/s of a card |"
    for name, (_, days) in SIZES.items():
        within = "a day" if days == 1 else f"{days} days"
        head += f" {name}: card-hours | cards for {within} |"
    return table(head, rows)


def paper_storage(record: dict[str, Any]) -> str:
    """Shards, bytes and requests."""
    found, weights = _part(record, "storage"), _part(record, "manifest")["bytes_per_shard"]
    by_text = found["bytes_per_text"]
    lines: dict[str, list[str]] = {}
    for texts, _ in SIZES.values():
        shards, files = ceil(texts / SHARD_ROWS), ceil(texts / FILE_ROWS)
        cells = {
            f"files of {FILE_ROWS:,} texts": f"{files:,}",
            f"shards of {SHARD_ROWS:,} texts": f"{shards:,}",
            f"texts of {by_text['text']:,.0f} bytes, not packed": _bytes(texts * by_text["text"]),
            f"results, {by_text['results']:.1f} bytes a text": _bytes(texts * by_text["results"]),
            f"results with `--details`, {by_text['details']:.1f} bytes a text": _bytes(
                texts * by_text["details"]
            ),
            "manifest and commits": _bytes(shards * (weights["manifest"] + weights["commit"])),
            "requests of the run that write or list": _requests(found, _WRITES, shards, files),
            "requests of the run that read": _requests(found, _READS, shards, files),
            "requests of a check": _requests(found, _READS, shards, files, "check"),
        }
        for name, cell in cells.items():
            lines.setdefault(name, []).append(cell)
    rows = [[name, *cells] for name, cells in lines.items()]
    return table(f"| | {' | '.join(SIZES)} |", rows)


def paper_times(record: dict[str, Any]) -> str:
    """Time of planning, checking and merging, each by one process."""
    found = _part(record, "manifest")
    by_text = found["microseconds_per_text"]
    rows = []
    for name in ("plan", "check", "merge"):
        row = [name]
        for texts, _ in SIZES.values():
            if name == "plan":
                seconds = texts / FILE_ROWS * found["plan_files"]["seconds"] / found["shards"]
            else:
                seconds = texts / SHARD_ROWS * found[name]["seconds"] / found["shards"]
                seconds += texts * by_text[name] / 1e6
            row.append(_time(seconds))
        rows.append(row)
    return table(f"| one process | {' | '.join(SIZES)} |", rows)


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in record:
        raise NotMeasuredError
    part: dict[str, Any] = record[name]
    return part


def _requests(
    found: dict[str, Any], names: tuple[str, ...], shards: int, files: int, what: str = "run"
) -> str:
    by_shard, by_file = (found[f"requests_per_{one}"][what] for one in ("shard", "file"))
    return _count(
        sum(shards * by_shard.get(name, 0) + files * by_file.get(name, 0) for name in names)
    )


def _count(number: float) -> str:
    return f"{number / 1e6:,.2g} million" if number < 1e7 else f"{number / 1e6:,.0f} million"


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:,.3g} {unit}"
    return f"{number / 1e3:,.3g} kB"


def _time(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.0f} s"
