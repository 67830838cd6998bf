"""The doors: for every route of the application what is asked there, and why some carry nothing.

Reading comes first, then what changes little, last what takes records away: all is done in one world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import prison

from app.engine import registry
from app.engine.charts import Chart
from app.engine.errors import StewardError
from app.engine.registry import EntityDefinition, current
from tests.matrix.asking import Asker
from tests.matrix.lean import Depth
from tests.matrix.markers import marker, number_of, unmarked
from tests.matrix.personas import ACTIONS, FAR, MINE, NEAR
from tests.matrix.world import LIVE, Row

Door = Callable[["Visit"], None]

NOT_THERE = 99_999
"""The number of no record."""

WITHOUT_RECORDS = {
    "healthz": "says that the process lives",
    "readyz": "says whether the parts answer",
    "static": "files of the front end",
    "appbuilder.static": "files of Flask-AppBuilder's",
    "LocaleView.index": "sets the language",
    "UtilView.back": "leads back to the page before",
    "LoginView.login": "signing in; tried in tests/pages/test_signing_in.py",
    "LoginView.logout": "signing out; there too",
    "SecurityApi.login": "a token for a password; there too",
    "SecurityApi.refresh": "a token for a token; there too",
    "MyPasswordView.form": "one's own password",
    "HelpPages.keys": "the list of keys",
    "ArchivePages.fixity": "hashes of stored files; for whoever reads the audit log",
    **dict.fromkeys(
        (
            "SecondStepView.form",
            "SecondFactorView.show",
            "SecondFactorView.begin",
            "SecondFactorView.confirm",
            "SecondFactorView.codes",
            "SecondFactorView.off",
            "SecondFactorsView.reset",
            "SecondFactorsView.roles",
        ),
        "one's own second factor, or that of an account",
    ),
    **dict.fromkeys(
        (
            "ProvidersView.list",
            "ProvidersView.go",
            "ProvidersView.back",
            "ProvidersView.link",
            "ProvidersView.unlink",
            "SamlView.metadata",
            "SamlView.acs",
        ),
        "signing in by another service",
    ),
    **dict.fromkeys(
        (
            "ForgottenPasswordView.form",
            "GivenLinkView.make",
            "NewPasswordView.form",
            "SessionsView.end",
            "SessionsView.end_all",
            "SessionsView.unlock",
        ),
        "passwords, their links and the sessions of accounts",
    ),
    **dict.fromkeys(
        ("DemonstrationPages.show", "DemonstrationPages.remove"),
        "how many records are invented, and the job that takes those away",
    ),
    "LinkPages.link": "answers a secret of 256 bits that stands in no table; tests/pages/test_links.py",
    "PasswordView.form": "another's password; tried in tests/pages/test_accounts.py",
}
"""Endpoints that no record comes out of, and why."""

DOORS: dict[str, Door] = {}
"""Endpoint → who asks there."""

ORDER: list[Door] = []


ONCE: set[Door] = set()
"""Those that know of no entity: what they answer hangs on the persona alone."""


def door(*endpoints: str, once: bool = False) -> Callable[[Door], Door]:
    """This function goes through these endpoints. `once`: whichever the entity, to the same end."""

    def note(function: Door) -> Door:
        for endpoint in endpoints:
            DOORS[endpoint] = function
        ORDER.append(function)
        if once:
            ONCE.add(function)
        return function

    return note


class Visit:
    """One persona before the doors of one entity."""

    def __init__(
        self,
        ask: Asker,
        definition: EntityDefinition,
        few: int | None,
        salt: int,
        depth: Depth | None = None,
    ) -> None:
        """`few`: so many fields at each door, others for each `salt`; None: all.

        `depth`: of fields and rows no more than lean.py says; None: all rows.
        """
        self.ask, self.definition, self.few, self.salt = ask, definition, few, salt
        self.world, self.depth = ask.world, depth
        self.key, self.name = definition.key, definition.name

    # -- what to ask about -------------------------------------------------------------------

    def fields(self, turn: int = 0, searched: bool = False) -> list[Any]:
        """Fields to guess at: those that are not seen first. `searched`: of those that a search finds."""
        access = self.world.persona.access
        every = [f for f in self.definition.fields.values() if not f.system]
        every = [f for f in every if f.search and self.probe(f) is not None] if searched else every
        secret = [f for f in every if access(self.name, f.name) in ("hidden", "masked")]
        seen = [f for f in every if f not in secret]
        if self.few is None:
            return [*secret, *seen[:2]]
        start = (self.salt + turn) * self.few
        turned = secret[start % len(secret) :] + secret[: start % len(secret)] if secret else []
        if self.depth is None:
            return [*turned[: self.few], *seen[:1]]
        new = [f for f in every if f.name in self.depth.fields]
        return new or turned[: self.few] or seen[:1]

    @property
    def closely(self) -> bool:
        """Whether what takes several steps is gone through to its end."""
        return self.depth is None or self.depth.closely

    @property
    def first(self) -> bool:
        """Whether to ask what hangs on no entity; where it is to be lean before one alone."""
        return self.depth is None or self.definition.name == next(iter(registry.current().entities))

    def some(self, every: Iterable[str]) -> list[str]:
        """All of them, or where only a few fields are asked about one in turn."""
        found = list(every)
        return found if self.few is None else [found[self.salt % len(found)]]

    def turned(self, *every: str) -> list[str]:
        """All of them, or where it is to be lean one in turn."""
        return list(every) if self.depth is None else self.some(every)

    def probe(self, item: Any, whose: str = FAR, number: int = 0) -> Any:
        """What the cell holds in the first world; None for a field without markers."""
        if unmarked(self.name, item.name) or item.target or item.name.endswith("_currency"):
            return None
        try:
            return marker(self.definition, item, (whose, number, "")).kept
        except StewardError:
            return None

    def text(self, item: Any, whose: str = FAR, number: int = 0) -> str:
        found = self.probe(item, whose, number)
        if found is None:
            return "1"
        return ",".join(found) if isinstance(found, list) else item.input_text(found)

    def held(self, item: Any) -> Any:
        """What somebody else's row holds in this world; None where there is none."""
        rows = self.world.of(self.name, FAR)
        return rows[0].values.get(item.name) if rows else None

    def fresh(self, turn: int) -> dict[str, str]:
        """New values, as text, for what the persona may write."""
        found: dict[str, str] = {}
        for item in self.writable():
            if item.type_name == "choice" or item.target or item.name.endswith("_currency"):
                continue
            if item.type_name == "file":
                found[item.name] = str(self.world.brought(number_of(item.name, turn)))
                continue
            try:
                kept = marker(self.definition, item, ("new", turn)).kept
            except StewardError:
                continue
            found[item.name] = ",".join(kept) if isinstance(kept, list) else item.input_text(kept)
        return found | self.needed()

    def needed(self) -> dict[str, str]:
        """References without which a record can't be."""
        found = {}
        for item in self.definition.references:
            rows = self.world.of(str(item.target)) if item.target else []
            if item.required and rows:
                found[item.name] = str(rows[0].id)
            elif item.required:
                found[item.name] = str(self.world.me)
        return found

    def writable(self) -> list[Any]:
        access = self.world.persona.access
        return [
            item
            for item in self.definition.fields.values()
            if access(self.name, item.name) == "write" and not item.system and not item.read_only
        ]

    def ids(self) -> list[int]:
        """One of each sort: one's own, a draft, somebody's below, others', in the trash."""
        rows = [row for whose in (MINE, NEAR, FAR) for row in self.world.of(self.name, whose)]
        return [row.id for row in self.enough(rows)] or [NOT_THERE]

    def trashed(self) -> list[int]:
        rows = [*self.world.of(self.name, MINE, True), *self.world.of(self.name, FAR, True)]
        return [row.id for row in self.enough(rows)] or [NOT_THERE]

    def enough(self, rows: list[Any]) -> list[Any]:
        """One of those on which the persona may do the same, in turn; shortly one, that is not seen.

        The first of them stays: what is one's own.
        """
        if self.depth is None or not rows:
            return rows
        persona, sorts = self.world.persona, {}
        for row in rows[:1] + rows[1:][self.salt % 2 :: 2] + rows:
            may = tuple(persona.reaches(self.name, row, action) for action in ACTIONS)
            sorts.setdefault((may, self.definition.review and row.number == 1), row)
        found = [*sorts.values()]
        if rows[-1].whose not in {row.whose for row in found}:
            found.append(rows[-1])
        if self.depth.closely:
            return found
        unseen = [row for row in found if not persona.reaches(self.name, row)]
        return (unseen or found)[:1]

    @property
    def mine(self) -> int:
        """One of one's own; of what the world has made by itself, the first."""
        return next((row.id for row in self.world.of(self.name, MINE)), 1)

    def each(self, url: str, ids: Sequence[int] | None = None) -> None:
        """A page of every row; of one that may not be seen as of one that there is not."""
        for number in self.ids() if ids is None else ids:
            self.ask.get(f"/{self.key}/{number}{url}")
        self.none_there(f"/{self.key}/{{}}{url}")

    def none_there(self, url: str) -> None:
        """What may not be seen is answered like what is not there."""
        expected = self.ask.get(url.format(99_999_999)).status_code
        unseen = [
            row
            for row in self.world.rows.get(self.name, ())
            if row.number <= LIVE[row.whose] and not self.world.persona.reaches(self.name, row)
        ]
        for row in self.enough(unseen):
            status = self.ask.get(url.format(row.id)).status_code
            if status != expected:
                place = f"{self.name} of {row.whose} {row.number}"
                self.ask.seen.leaks.append(f"{url}: {place}: {status} instead of {expected}")


# -- reading ---------------------------------------------------------------------------------


@door("HomeView.index", "MenuApi.get_menu_data", "OpenApi.document", once=True)
def overviews(visit: Visit) -> None:
    for url in ("/", "/api/v1/menu/", "/api/v1/_openapi"):
        visit.ask.get(url)


@door(
    "RolePages.list", "RolePages.role", "RolePages.compare", "RoleChangePages.about",
    "RoleChangePages.add", "RoleChangePages.edit", "RoleChangePages.save",
    "RoleChangePages.reset", "RoleChangePages.delete", "RoleChangePages.undo",
    "RoleViewPages.preview", "RoleViewPages.save", "RolePages.changes",
    "RoleChangePages.gained", once=True,
)  # fmt: skip
def roles(visit: Visit) -> None:
    for url in (
        "list/",
        "changes",
        "1",
        "1/edit",
        "1/about",
        "add",
        "compare",
        "compare?roles=1&roles=2",
    ):
        visit.ask.get(f"/roles/{url}")
    for url in (
        "99999/about",
        "99999/reset",
        "99999/gained",
        "99999/delete",
        "changes/99999/undo",
        "save",
        "add",
    ):
        visit.ask.post(f"/roles/{url}", {"role": "99999"})
    for url in ("views/99999", "views/99999/save"):
        visit.ask.post(f"/roles/{url}", {"f": "id:ge:0"})


@door(
    "KeysView.list", "KeysView.add", "KeysView.everybody", "KeysView.revoke",
    "KeysView.revoke_anybodys", once=True,
)  # fmt: skip
def keys(visit: Visit) -> None:
    for url in ("", "add", "all/"):
        visit.ask.get(f"/apikeys/{url}", same=False)
    for url in ("add", "revoke/99999", "all/revoke/99999"):
        visit.ask.post(f"/apikeys/{url}", {"name": "x"}, same=False)


@door(
    "UsersView.list", "UsersView.show", "UsersView.edit", "UsersView.add", "PickerPages.users",
    once=True,
)  # fmt: skip
def accounts(visit: Visit) -> None:
    other = visit.world.people[FAR]
    for url in ("/users/list/", f"/users/show/{other}", f"/users/edit/{other}", "/users/add"):
        visit.ask.get(url, same=False)
    visit.ask.get("/users/pick?q=matrix")
    visit.ask.post("/users/add", {"username": "x"}, same=False)
    visit.ask.post("/users/edit/999999", {"username": "x"}, same=False)


@door("ProfileView.userinfo", once=True)
def profile(visit: Visit) -> None:
    visit.ask.get("/users/userinfo/", same=False)
    visit.ask.post("/users/userinfo/", {"first_name": "某"}, same=False)


@door("ListPages.list")
def lists(visit: Visit) -> None:
    base = f"/{visit.key}/"
    visit.ask.get(base)
    for query in visit.turned("?sort=-created_at&size=50", "?sort=id", "?f=review_state:eq:draft"):
        visit.ask.get(base + query)
    visit.ask.get(base, headers={"HX-Request": "true", "HX-Target": "list-table"})
    for item in visit.fields():
        name = item.name
        for query in (f"sort={name}", f"sort=-{name}", f"f={name}:eq:{visit.text(item)}"):
            visit.ask.get(f"{base}?{query}")
        for query in (f"f={name}:nempty:", f"f={name}:ct:{visit.text(item, MINE)[:4]}"):
            visit.ask.get(f"{base}?{query}")


@door("ListPages.columns")
def choosing_columns(visit: Visit) -> None:
    visit.ask.get(f"/{visit.key}/columns")
    for item in visit.fields(1):
        visit.ask.get(f"/{visit.key}/?cols={item.name}&density=dense")
        visit.ask.get(f"/{visit.key}/columns?cols={item.name}")


@door("ListPages.filter")
def filter_panel(visit: Visit) -> None:
    visit.ask.get(f"/{visit.key}/filter")
    for item in visit.fields(1):
        visit.ask.get(f"/{visit.key}/filter?field={item.name}&operator=eq")


@door(
    "SavedViewPages.views", "SavedViewPages.open", "SavedViewPages.change",
    "SavedViewPages.filters", "SavedViewPages.default", "SavedViewPages.delete",
)  # fmt: skip
def saved_views(visit: Visit) -> None:
    """A view of one's own on every field: it selects no more than the list itself does."""
    base = f"/{visit.key}/views"
    visit.ask.get(base)
    for item in visit.fields(1):
        kept = {"name": "matrix", "f": f"{item.name}:eq:{visit.text(item)}"}
        visit.ask.post(base, kept, same=False)
    for whose in visit.turned(MINE, FAR):
        for row in visit.world.of("SavedView", whose)[: None if visit.depth is None else 1]:
            visit.ask.get(f"{base}/{row.id}", same=False)
            visit.ask.get(f"{base}/{row.id}/change", same=False)
    for url in visit.turned("change", "filters", "default", "delete"):
        visit.ask.post(f"{base}/99999/{url}", {"name": "matrix"}, same=False)


@door("SearchPages.search", "PalettePages.palette")
def search(visit: Visit) -> None:
    visit.ask.get("/search/palette")
    for item in visit.fields(2, searched=True):
        for whose in visit.turned(MINE, FAR):
            words = visit.text(item, whose)
            visit.ask.get("/search", query_string={"q": words})
            visit.ask.get("/search/palette", query_string={"q": words})
            visit.ask.get(f"/{visit.key}/", query_string={"q": words})
    for url in visit.turned("/search?q=zq", "/search?q=139"):
        visit.ask.get(url, headers={"HX-Target": "search-results"})


@door("PickerPages.records")
def pickers(visit: Visit) -> None:
    base = f"/{visit.key}/pick"
    visit.ask.get(base)
    for item in visit.fields(3, searched=True):
        for whose in (MINE, FAR):
            visit.ask.get(base, query_string={"q": visit.text(item, whose)})


@door("RecordPages.record")
def records(visit: Visit) -> None:
    visit.each("", [*visit.ids(), *visit.trashed()])


@door("ArchivePages.catalogue", "ArchivePages.file", "ArchivePages.labels", "ArchivePages.package")
def packages(visit: Visit) -> None:
    for name in ("catalogue", "catalogue.pdf", "catalogue.xlsx", "labels.pdf", "package.zip"):
        visit.each(f"/{name}", [*visit.ids(), *visit.trashed()])


@door("DownloadPages.download")
def downloads(visit: Visit) -> None:
    for item in visit.definition.fields.values():
        if item.type_name == "file" or item is visit.definition.title_field:
            visit.each(f"/file/{item.name}", [*visit.ids(), *visit.trashed()])


@door("AddingPages.add")
def filing(visit: Visit) -> None:
    """Files that are not one's own, under records that one may not see."""
    for child, reference in current().incoming.get(visit.name, ()):
        for record_id in visit.ids():
            url = f"/{visit.key}/{record_id}/files/{child.key}/{reference.name}"
            visit.ask.post(url, {"file": "999999"}, same=False)


@door(
    "FilesApi.files", "FilesApi.where", "FilesApi.add", "FilesApi.give_up", "FilesApi.overridden",
    "FilesApi.finish",
)  # fmt: skip
def uploads(visit: Visit) -> None:
    """Another's upload is none."""
    base, tus = "/api/v1/files/", {"Tus-Resumable": "1.0.0"}
    visit.ask.ask("POST", base, headers={**tus, "Upload-Length": "0"}, same=False)
    token = visit.world.upload_of(FAR)
    part = {**tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    for method in ("HEAD", "PATCH", "POST", "DELETE"):
        visit.ask.ask(method, f"{base}{token}", headers=part, same=False)
    visit.ask.post(f"{base}{token}/finish", same=False)


@door("TreePages.tree")
def trees(visit: Visit) -> None:
    visit.ask.get(f"/{visit.key}/tree")


@door("PreviewPages.preview", "PreviewPages.picture", "PreviewPages.text", "PreviewPages.ask")
def previews(visit: Visit) -> None:
    for item in visit.definition.fields.values():
        if item.type_name != "file":
            continue
        for part in ("", "?as=text", "/text", "/page/1", "/thumb/1"):
            visit.each(f"/preview/{item.name}{part}", [*visit.ids(), *visit.trashed()])
        for number in (*visit.ids(), *visit.trashed()):
            visit.ask.post(f"/{visit.key}/{number}/preview/{item.name}", hops=0)


@door("TimelinePages.timeline", "GraphPages.graph")
def around(visit: Visit) -> None:
    visit.each("/timeline")
    visit.each("/timeline?after=2999-01-01T00:00:00%2B00:00|x|1", visit.ids())
    visit.each("/graph")


@door("RecordPages.asked")
def acts(visit: Visit) -> None:
    visit.each("/do/nothing", visit.ids())


@door("AccessPages.access", "AccessPages.person")
def access(visit: Visit) -> None:
    visit.each(f"/access?person={visit.world.me}")
    if visit.first:
        visit.ask.get(f"/users/{visit.world.people[FAR]}/access", same=False)


@door("SharingPages.share", "SharingPages.end")
def sharing(visit: Visit) -> None:
    """Looked at only: what is shared changes what is seen."""
    visit.each("/share")
    for record_id in visit.ids():
        visit.ask.post(f"/{visit.key}/{record_id}/share", {"person": "0"}, same=False)
        visit.ask.post(f"/{visit.key}/{record_id}/share/99999/end", same=False)


@door("UnmaskPages.unmask", "RecordsApi.unmask")
def unmasking(visit: Visit) -> None:
    """Who may, sees a masked value for a reason; never one that is hidden, nor of a row out of reach."""
    persona = visit.world.persona
    rows = [r for r in visit.world.rows.get(visit.name, ()) if r.number <= LIVE[r.whose]]
    for row in visit.enough(rows) or [Row(visit.name, FAR, 0, NOT_THERE)]:
        for item in visit.fields(1):
            here = f"/{visit.key}/{row.id}/unmask/{item.name}"
            visit.ask.get(here, same=False)
            masked = persona.access(visit.name, item.name) == "masked"
            if not (masked and persona.reaches(visit.name, row)):
                visit.ask.post(here, {"reason": "matrix"}, same=False)
                body = {"field": item.name, "reason": "matrix"}
                url = f"/api/v1/{visit.key}/{row.id}/unmask"
                visit.ask.ask("POST", url, json=body, same=False)


@door("AuditPages.entries", "AuditPages.entry", "AuditPages.export", once=True)
def audit(visit: Visit) -> None:
    visit.ask.get("/audit/", same=False)
    for number in range(1, 40, 4):
        visit.ask.get(f"/audit/{number}", same=False)
    visit.ask.post("/audit/export", {"format": "csv"}, same=False)
    visit.ask.work()


@door(
    "PersonalPages.personal", "PersonalPages.report", "PersonalPages.erase",
    "PersonalPages.erasures", "PersonalPages.proof", "PersonalPages.proof_file",
)  # fmt: skip
def personal(visit: Visit) -> None:
    visit.each("/personal")
    visit.each("/personal/erase")
    for number in visit.ids():
        visit.ask.post(f"/{visit.key}/{number}/personal/report", same=False)
    visit.ask.work()
    if visit.first:
        for url in ("", "/1", "/1.json"):
            visit.ask.get(f"/personal/erasures{url}", same=False)


@door("PoolPages.pool", "PoolPages.take", "PoolPages.give_back")
def pool(visit: Visit) -> None:
    base = f"/{visit.key}/pool"
    other = visit.world.of(visit.name, FAR)
    ids = str(other[0].id) if other else "1"
    visit.ask.get(base)
    visit.ask.get(f"{base}/return?ids={ids}")
    if not other or not visit.world.persona.reaches(visit.name, other[0]):
        visit.ask.post(f"{base}/take", {"ids": ids}, same=False)
        visit.ask.post(f"{base}/return", {"ids": ids, "reason": "matrix"}, same=False)


@door(
    "LeavingPages.leaving", "LeavingPages.done", "ViewAsPages.begin", "ViewAsPages.end", once=True
)
def standing_in(visit: Visit) -> None:
    other = visit.world.people[FAR]
    visit.ask.get(f"/users/leaving/{other}", same=False)
    visit.ask.post("/users/leaving/99999", same=False)
    visit.ask.get("/users/handover/1", same=False)
    visit.ask.post(f"/view-as/{other}", same=False)
    visit.ask.post("/view-as/end", same=False)


@door("RecordHistoryPages.history")
def history(visit: Visit) -> None:
    visit.each("/history", [*visit.ids(), *visit.trashed()])


@door("ChangeSetPages.list", "ChangeSetPages.show", once=True)
def change_sets(visit: Visit) -> None:
    # How much one has done oneself may be known, whatever of it may be seen now.
    visit.ask.get("/changes/", same=False)
    visit.ask.get("/changes/?door=form", same=False)
    first = visit.world.change_sets[0]
    since = first - 5 if visit.depth is None else first - 1
    for number in range(since, visit.world.change_sets[-1] + 1):
        visit.ask.get(f"/changes/{number}", same=False)


@door("ChartPages.charts", "ChartPages.chart")
def charts(visit: Visit) -> None:
    base = f"/{visit.key}"
    visit.ask.get(f"{base}/charts")
    declared: Sequence[Chart] = visit.definition.model.charts
    for chart in declared:
        visit.ask.get(f"{base}/chart/{chart.name}.json")
    for item in visit.fields(4):
        queries = (
            f"by={item.name}",
            f"by=created_by&measure={item.name}",
            f"by=created_by&measure=median:{item.name}",
            f"by=created_by&split={item.name}",
        )
        for query in queries:
            visit.ask.get(f"{base}/chart/chosen.json?{query}")
        for query in visit.turned(*queries):
            visit.ask.get(f"{base}/charts?{query}")
        query = f"by=created_by&f={item.name}:eq:{visit.text(item)}"
        visit.ask.get(f"{base}/chart/chosen.json?{query}")


@door("BoardPages.board", "BoardPages.more", "BoardPages.move")
def boards(visit: Visit) -> None:
    base = f"/{visit.key}/board"
    visit.ask.get(base)
    for item in visit.fields(5):
        for query in (f"by={item.name}", f"sum={item.name}", f"sort={item.name}"):
            visit.ask.get(f"{base}?{query}")
        visit.ask.get(f"{base}/more?by={item.name}&column={visit.text(item)}")
        visit.ask.get(f"{base}?f={item.name}:eq:{visit.text(item)}")
        for number in (*visit.ids()[:3], NOT_THERE):
            form = {"to": "nowhere", "version": "1"}
            visit.ask.post(f"/{visit.key}/{number}/move?by={item.name}", form)


@door("TrashPages.trash")
def trash(visit: Visit) -> None:
    visit.ask.get(f"/{visit.key}/trash")


@door("FormPages.duplicates")
def near_duplicates(visit: Visit) -> None:
    for whose in (MINE, FAR):
        texts = {f.name: visit.text(f, whose) for f in visit.definition.fields.values()}
        visit.ask.post(f"/{visit.key}/duplicates", texts)
        found = [f for f in visit.definition.fields.values() if f.search and visit.probe(f)]
        for item in found if visit.closely else visit.fields(5, searched=True):
            visit.ask.post(f"/{visit.key}/duplicates", {item.name: visit.text(item, whose)})


# -- REST ------------------------------------------------------------------------------------


def q(**given: Any) -> str:
    return str(prison.dumps(given))


@door("RecordsApi.get_list", "RecordsApi.info", "TrashApi.get_list")
def rest_lists(visit: Visit) -> None:
    base = f"/api/v1/{visit.key}/"
    for url in (base, f"{base}_info", f"{base}trash"):
        visit.ask.get(url)
    for item in visit.fields(6):
        value = visit.text(item)
        asked = [
            {"columns": ["id", item.name]},
            {"order_column": item.name, "order_direction": "desc"},
            {"filters": [{"col": item.name, "opr": "eq", "value": value}]},
            {"filters": [{"col": item.name, "opr": "nempty"}]},
            {"search": value},
        ]
        for given in asked:
            visit.ask.get(base, query_string={"q": q(**given)})
        visit.ask.get(f"{base}trash", query_string={"q": q(**asked[1])})


@door("RecordsApi.get")
def rest_records(visit: Visit) -> None:
    for number in [*visit.ids(), *visit.trashed()]:
        visit.ask.get(f"/api/v1/{visit.key}/{number}")
    visit.none_there(f"/api/v1/{visit.key}/{{}}")
    for item in visit.fields(7):
        columns = q(columns=[item.name])
        visit.ask.get(f"/api/v1/{visit.key}/{visit.mine}", query_string={"q": columns})
