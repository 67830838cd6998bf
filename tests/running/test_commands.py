"""The commands of one shot, beside a server that runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.engine import policy, registry
from app.engine.adapters import embedded_queue
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.job import DONE, Job, request_job
from config import Settings
from tests.running.support import Installation, eventually

pytestmark = pytest.mark.running

COMPANIES = """Full name;Code;Phone;Ignored
润科生物工程股份有限公司;C-1;13800138000;x
Example Trading Ltd;C-2;;y
"""


@pytest.fixture
def file(steward: Installation) -> Path:
    path = steward.folder / "companies.csv"
    path.write_text(COMPANIES, encoding="utf-8")
    return path


def bring_in(steward: Installation, file: Path, *options: str) -> Mapping[str, Any]:
    done = steward.command(
        *("import", "Customer", str(file), "--map", "Full name=name"),
        *("--map", "Code=external_code", "--delimiter", ";", "--json", *options),
    )
    assert done.returncode == 0, done.stderr
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def test_a_file_comes_in_and_goes_out_and_is_taken_back(steward: Installation, file: Path) -> None:
    steward.start()
    steward.until_ready()
    tried = bring_in(steward, file, "--dry-run")
    assert (tried["total"], tried["new"], tried["change_set"]) == (2, 2, None)
    came = bring_in(steward, file)
    assert (came["total"], came["new"], came["refused"]) == (2, 2, 0)
    again = bring_in(steward, file)
    assert (again["new"], again["unchanged"]) == (0, 2)

    out = steward.folder / "out.csv"
    done = steward.command("export", "Customer", "--format", "csv", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "润科生物工程股份有限公司" in out.read_text(encoding="utf-8-sig")

    undone = steward.command("undo", str(came["change_set"]), "--json")
    assert undone.returncode == 0, undone.stderr
    report = json.loads(undone.stdout)
    assert (report["reversed"] >= 2, report["kept"], report["blocked"]) == (True, 0, 0)
    assert steward.get("/readyz")[0] == 200


def test_what_cannot_be_done_is_said_in_a_line_in_the_terminals_language(
    steward: Installation,
) -> None:
    steward.environment["LANG"] = "zh_CN.UTF-8"
    done = steward.command("import", "Customer", "no-such-file.csv")
    assert done.returncode == 1
    assert re.fullmatch(r"steward: 没有文件.*no-such-file\.csv.*\n", done.stderr)
    done = steward.command("import", "Customer", "some.csv", "--map", "no equals sign")
    assert done.returncode == 2
    assert done.stderr.startswith("steward: --map takes COLUMN=FIELD")
    assert steward.command("undo", "12345").returncode == 1


def test_people_are_added_and_given_passwords(steward: Installation) -> None:
    added = steward.command("user", "add", "wang", "--role", "Sales")
    assert added.returncode == 0, added.stderr
    assert re.search(r"password +\S{12,}", added.stdout)
    reset = steward.command("user", "reset", "wang")
    assert reset.returncode == 0, reset.stderr
    assert reset.stdout != added.stdout
    listed = steward.command("user", "list").stdout
    assert re.search(r"^wang +active +Sales$", listed, re.MULTILINE)
    unknown = steward.command("user", "add", "li", "--role", "Nonsense")
    assert unknown.returncode == 1
    assert "Nonsense" in unknown.stderr


def test_every_table_has_its_migration(steward: Installation) -> None:
    """What the entities declare is what the migrations make; `run.py migrate --generate` writes the rest."""
    done = steward.command("migrate", "--check")
    assert done.returncode == 0, done.stderr


def test_before_the_first_start_one_line_says_so(fresh: Installation) -> None:
    done = fresh.command("entities")
    assert done.returncode == 2
    assert re.fullmatch(r"steward: DATABASE_URL: .*run\.py migrate.*\n", done.stderr)


def test_entities_are_printed_with_their_surfaces(steward: Installation) -> None:
    done = steward.command("entities", "--json")
    assert done.returncode == 0, done.stderr
    listed = {entity["name"]: entity for entity in json.loads(done.stdout)}
    assert {"Customer", "Contact"} <= set(listed)
    assert listed["Customer"]["area_label"] == "Customers"
    assert listed["Customer"]["fields"]["name"] == "Text"
    assert "/api/v1/customer/" in listed["Customer"]["surfaces"]["rest"]
    assert "/customer/" in listed["Customer"]["surfaces"]["lists"]


def test_search_entries_are_written_anew(steward: Installation, file: Path) -> None:
    bring_in(steward, file)
    done = steward.command("search", "--rebuild", "Customer", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"entity": "Customer", "records": 2}
    everything = steward.command("search", "--rebuild", "--json").stdout
    named = {json.loads(line)["entity"] for line in everything.splitlines()}
    assert {"Customer", "Contact"} <= named
    assert steward.command("search", "--rebuild", "Nonsense").returncode == 1


def test_a_job_runs_in_the_worker(steward: Installation) -> None:
    """Asked for by another process, told to the embedded queue, run in a fork of the worker."""
    steward.start()
    steward.until_ready()
    settings = embedded_queue.resolve(Settings(data_dir=steward.data, secret_key="k" * 40))
    app = create_app(replace(settings, demo=False))
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        registry.refresh()
        arguments = {"entity": "Customer", "format": "csv", "fields": ["name"], "query": []}
        job_id = request_job("export", arguments).id

        def finished() -> Job | None:
            db.session.rollback()
            job = db.session.get_one(Job, job_id, populate_existing=True)
            return job if job.over else None

        job = eventually(finished, what="the end of the job")
        assert job.state == DONE, job.message
        with store().open(job.result["file"]) as file:
            assert file.read().startswith(b"\xef\xbb\xbf")
        db.session.remove()
        db.engine.dispose()
