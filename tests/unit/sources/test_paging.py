"""Listings reach their real end, whatever the API does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.errors import SourceError
from caso.sources.api import LostMarkerError, MissingError
from caso.sources.paging import everything, follow


class Listing:
    """An API that pages through numbered rows; ``gone`` are the markers that it does not find (any more)."""

    name = "nova"

    def __init__(self, count, page_size, gone=()):
        self.rows = [{"id": str(number)} for number in range(count)]
        self.page_size = page_size
        self.gone = set(gone)
        self.queries = []

    def get(self, path, params=None, *, to, microversion=None):
        self.queries.append(dict(params))
        marker = params.get("marker")
        if marker in self.gone:
            raise LostMarkerError(f"nova: marker {marker} not found")
        start = int(marker) + 1 if marker else 0
        rows = [row for row in self.rows[start:] if row["id"] not in self.gone][: self.page_size]
        answer = {"servers": rows}
        if len(rows) == self.page_size:
            # Behind a proxy the host in links is often one that cannot be reached.
            answer["servers_links"] = [{"rel": "next", "href": f"http://internal:1/v2.1/x?marker={rows[-1]['id']}&kept=%26"}]
        return answer

    def versions(self):
        return {}


class Answers(Listing):
    """An API that gives these answers, one after the other."""

    def __init__(self, *answers):
        super().__init__(0, 1)
        self.answers = list(answers)

    def get(self, path, params=None, *, to, microversion=None):
        self.queries.append(dict(params))
        return self.answers.pop(0)


def ids(pages):
    return [row["id"] for page in pages for row in page.rows]


@given(count=st.integers(0, 40), page_size=st.integers(1, 13))
def test_every_row_is_listed_once_whatever_the_size_of_the_servers_pages(count, page_size):
    pages = follow(Listing(count, page_size), "/servers", "servers", {"limit": "1000"}, to="list")

    assert ids(pages) == [str(number) for number in range(count)]


def test_a_short_page_is_not_taken_for_the_end():
    api = Answers({"servers": [], "servers_links": [{"rel": "next", "href": "?marker=a"}]}, {"servers": [{"id": "b"}]})

    assert ids(follow(api, "/servers", "servers", to="list")) == ["b"]


def test_only_the_query_of_a_next_link_is_used_and_the_filters_are_kept():
    api = Listing(2, 1)

    list(follow(api, "/servers", "servers", {"limit": "5"}, first={"all_tenants": "true"}, to="list"))

    assert api.queries == [
        {"all_tenants": "true"},
        {"limit": "5", "marker": "0", "kept": "&"},
        {"limit": "5", "marker": "1", "kept": "&"},
    ]


@pytest.mark.parametrize(
    "link",
    [{"links": {"next": "http://keystone/v3/users?marker=a"}}, {"next": "/v2/images?marker=a"}],
    ids=["keystone", "glance"],
)
def test_the_links_of_keystone_and_glance_are_followed(link):
    api = Answers({"users": [{"id": "a"}], **link}, {"users": [{"id": "b"}], "links": {"next": None}})

    assert ids(follow(api, "/users", "users", to="list")) == ["a", "b"]


@given(
    count=st.integers(1, 30),
    page_size=st.integers(2, 9),
    vanishing=st.sets(st.integers(0, 29), max_size=2),
)
def test_an_object_that_vanishes_while_it_is_the_marker_costs_no_other_object(count, page_size, vanishing):
    api = Listing(count, page_size)
    found = []

    for page in follow(api, "/servers", "servers", to="list"):
        found += [row["id"] for row in page.rows]
        api.gone |= {str(number) for number in vanishing if str(number) in found}

    assert found == sorted(found, key=int)
    assert set(found) >= {row["id"] for row in api.rows} - api.gone


def test_a_listing_whose_markers_keep_vanishing_fails_after_a_few_tries():
    api = Listing(9, 3)
    pages = follow(api, "/servers", "servers", to="list")
    next(pages)
    api.rows.append({"id": "9"})
    api.get = lambda *args, **kwargs: (_ for _ in ()).throw(LostMarkerError("nova: marker 2 not found"))

    with pytest.raises(LostMarkerError):
        list(pages)


def test_repeated_objects_are_dropped():
    api = Answers({"users": [{"id": "a"}, {"id": "a"}], "next": "?marker=a"}, {"users": [{"id": "a"}, {"id": "b"}]})

    assert ids(follow(api, "/users", "users", to="list")) == ["a", "b"]


def test_a_page_that_links_itself_is_an_error_and_no_endless_loop():
    page = {"users": [{"id": "a"}], "next": "?marker=a"}

    with pytest.raises(SourceError, match="its own successor"):
        list(follow(Answers(page, page, page), "/users", "users", to="list users"))


def test_a_list_that_is_cut_off_without_a_next_link_is_told():
    (page,) = follow(Answers({"users": [{"id": "a"}], "truncated": True}), "/users", "users", to="list")

    assert page.truncated
    with pytest.raises(SourceError, match="list_limit"):
        everything(Answers({"users": [], "truncated": True}), "/users", "users", to="list users")


def test_a_cut_list_with_a_next_link_is_just_a_page():
    api = Answers({"users": [{"id": "a"}], "truncated": True, "links": {"next": "?marker=a"}}, {"users": []})

    assert not any(page.truncated for page in follow(api, "/users", "users", to="list"))


def test_an_answer_without_the_list_is_an_error_that_says_so():
    with pytest.raises(SourceError, match="nova: cannot list servers: the answer has no list 'servers'"):
        list(follow(Answers({"versions": []}), "/servers", "servers", to="list servers"))


class Cinder(Listing):
    """Calls a marker that is gone 404."""

    def get(self, path, params=None, *, to, microversion=None):
        try:
            return super().get(path, params, to=to, microversion=microversion)
        except LostMarkerError as exc:
            raise MissingError(str(exc)) from exc


def test_a_marker_that_is_called_missing_is_a_lost_one():
    api = Cinder(7, 3)
    pages = follow(api, "/servers", "servers", to="list")
    first = next(pages)

    api.gone.add("2")

    assert ids([first, *pages]) == [str(number) for number in range(7)]


def test_a_listing_that_is_missing_itself_is_missing():
    class Nowhere(Listing):
        def get(self, path, params=None, *, to, microversion=None):
            self.queries.append(dict(params))
            raise MissingError("nova: cannot list: HTTP 404")

    api = Nowhere(1, 1)
    with pytest.raises(MissingError):
        list(follow(api, "/servers", "servers", {"limit": "1000"}, to="list"))

    assert len(api.queries) == 1
