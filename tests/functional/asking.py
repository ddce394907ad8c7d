"""Questions to the test cloud, put to extractors as a run puts them."""

import contextlib
from datetime import timedelta

from caso.extractors.base import NOTHING, Ask, CannotShareError
from caso.sources import Sources
from caso.sources.session import Access
from caso.testing.extractor_contract import id_of
from caso.window import Window

REGION = "RegionOne"
HOUR = timedelta(hours=1)


def access(credentials, **scope):
    return Access("password", credentials.auth(**scope))


def sources(cloud, role, *, at=None):
    """The sources of a reader or an admin of the system, whose clock stands at the cloud's time."""
    now = at or cloud.now
    return Sources(access(getattr(cloud, role), system=True), clock=lambda: now)


def ask(cloud, projects=None, since=None, memory=NOTHING):
    window = Window.of(since or cloud.now - HOUR, cloud.now)
    chosen = cloud.truth.accounted if projects is None else projects
    return Ask(REGION, {project.id: window for project in chosen}, {project.id: project.name for project in chosen}, memory)


def extract(extractor, question):
    """All pages, one project at a time where the role wants it."""
    try:
        return list(extractor.extract(question))
    except CannotShareError:
        return [page for alone in question.alone() for page in extractor.extract(alone)]


def told(pages):
    """What was seen, the newest of each object last."""
    return {id_of(seen): seen for page in pages for seen in page.seen}


def odd(pages):
    return [one for page in pages for one in page.odd]


@contextlib.contextmanager
def without(cloud, database, table, where, *parameters):
    """Within the block the rows are not in the database; the cloud is shared by all tests."""
    with cloud.database(database) as sqlite:
        rows = sqlite.execute(f"select * from {table} where {where}", parameters).fetchall()
        sqlite.execute(f"delete from {table} where {where}", parameters)
    assert rows
    try:
        yield
    finally:
        with cloud.database(database) as sqlite:
            sqlite.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
