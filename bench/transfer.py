"""Export and import of many incidents, beside bare scripts that read or write the same rows.

python -m bench.transfer
python -m bench.transfer --rows 100000
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.processes import PROJECT
from bench.servers import OURS, Scratch, environment

# The least that each can cost: the rows fetched in order, each line written.
OPEN = """
import csv, io, sys, itertools
import orjson
from bench.limit.wsgi import database
connection = database()
names = dict(connection.execute("SELECT id, username FROM users_user"))
"""
EXPORT_JSONL = (
    OPEN
    + """
rows = connection.execute(
    "SELECT id, description, status, source, created_at, updated_at, created_by_id, idempotency_key"
    " FROM incidents_incident ORDER BY id"
)
events = connection.cursor().execute(
    "SELECT incident_id, kind, at, by_id, door, status_from, status_to, comment FROM incidents_event"
    " ORDER BY incident_id, id"
)
of_each = itertools.groupby(events, key=lambda event: event[0])
with open(sys.argv[1], "wb") as file:
    for (pk, text, status, source, made, changed, by, key), (_pk, history) in zip(rows, of_each):
        file.write(orjson.dumps({
            "id": pk, "description": text, "status": status, "source": source, "created_at": made + "Z",
            "updated_at": changed + "Z", "created_by": names.get(by), "idempotency_key": key,
            "events": [
                {"kind": kind, "at": at + "Z", "by": names.get(by), "door": door, "status_from": before,
                 "status_to": after, "comment": comment}
                for _incident, kind, at, by, door, before, after, comment in history
            ],
        }, option=orjson.OPT_APPEND_NEWLINE))
"""
)
EXPORT_CSV = (
    OPEN
    + """
rows = connection.execute(
    "SELECT i.id, description, status, source, created_at || 'Z', updated_at || 'Z', username,"
    " idempotency_key FROM incidents_incident i LEFT JOIN users_user u ON u.id = created_by_id ORDER BY i.id"
)
with open(sys.argv[1], "w", encoding="utf-8", newline="") as file:
    csv.writer(file).writerows(rows)
"""
)
# Batches of a thousand, each on the disk before the next, as an import has to.
IMPORT = (
    OPEN
    + """
ids = {name: pk for pk, name in names.items()}
with open(sys.argv[1], "rb") as file:
    while lines := list(itertools.islice(file, 1000)):
        batch = [orjson.loads(line) for line in lines]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO incidents_incident (id, description, search_text, status, source, created_at,"
            " updated_at, created_by_id, idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(it["id"], it["description"], it["description"].casefold(), it["status"], it["source"],
              it["created_at"][:-1], it["updated_at"][:-1], ids.get(it["created_by"]), it["idempotency_key"])
             for it in batch],
        )
        connection.executemany(
            "INSERT INTO incidents_event (incident_id, kind, at, by_id, door, status_from, status_to,"
            " comment) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(it["id"], event["kind"], event["at"][:-1], ids.get(event["by"]), event["door"],
              event["status_from"], event["status_to"], event["comment"])
             for it in batch for event in it["events"]],
        )
        connection.execute("COMMIT")
"""
)


@dataclass(frozen=True)
class Run:
    seconds: float
    megabytes: float  # peak resident memory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="incidents-bench-") as name:
        folder = Path(name)
        print(machine.describe(folder))
        scratch = Scratch(folder)
        full, *_tokens = scratch.filled(OURS, rows)
        empty, *_tokens = scratch.filled(OURS, 0)
        spare = folder / "spare"
        shutil.copytree(empty, spare)
        jsonl, csv_file, bare = folder / "all.jsonl", folder / "all.csv", folder / "bare"
        print(f"\n| {rows:,} incidents | a second | MB in memory | of a bare script |\n|---|---|---|---|")
        show("export, JSON Lines", rows, manage(full, "export", jsonl), script(full, EXPORT_JSONL, bare))
        show("export, CSV", rows, manage(full, "export", csv_file), script(full, EXPORT_CSV, bare))
        show("import, JSON Lines", rows, manage(empty, "import", jsonl), script(spare, IMPORT, jsonl))
        show("the same import again", rows, manage(empty, "import", jsonl), None)


def show(name: str, rows: int, ours: Run, bare: Run | None) -> None:
    share = f"{bare.seconds / ours.seconds:.2f}" if bare else "-"
    print(f"| {name} | {rows / ours.seconds:,.0f} | {ours.megabytes:.0f} | {share} |", flush=True)


def manage(folder: Path, command: str, file: Path) -> Run:
    return timed(folder, "manage.py", command, str(file))


def script(folder: Path, text: str, file: Path) -> Run:
    return timed(folder, "-c", text, str(file))


def timed(folder: Path, *arguments: str) -> Run:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _pid, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[:2]} ended with {os.waitstatus_to_exitcode(status)}")
    return Run(time.perf_counter() - began, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
