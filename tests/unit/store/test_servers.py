"""Stores on database servers: what can be wrong there is said with what to do, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from caso.errors import StoreError
from caso.store import Subscription, open_as_it_is, open_scratch, open_store, require_store
from caso.store.engine import engine_of
from caso.store.schema import meta, metadata
from tests.databases.fixtures import ON_SERVERS
from tests.databases.server import PASSWORD
from tests.unit.store.building import HERE, HOUR, NOVA, NOW, a_record, a_server, a_statement, deliver, put

SAID = {
    "the password is wrong": "see user and password in",
    "the database is not there": "make the database, and give it to this user",
    "the server is down": "see that the server is up",
}


def with_fault(server, fault: str) -> str:
    if fault == "the server is down":
        return server.url("caso", port=1)
    return (
        server.url("postgres" if server.drivername == "postgresql" else "mysql", password="hunter2")
        if "password" in fault
        else (server.url("nosuchbase"))
    )


@pytest.mark.parametrize("fault", SAID)
@pytest.mark.parametrize("opening", [open_store, open_scratch, open_as_it_is, require_store])
def test_what_is_wrong_is_said_with_what_to_do_and_without_the_password(server, opening, fault):
    with pytest.raises(StoreError, match=SAID[fault]) as caught:
        opening(with_fault(server, fault))

    assert "hunter2" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parameter_that_the_driver_does_not_know_is_an_error_of_the_configuration(database):
    with pytest.raises(StoreError, match=r"sslmod"):
        open_store(f"{database}?sslmod=require")


@pytest.mark.parametrize("connection", ["postgresql+psycopg2://caso:hunter2@host/caso", "mysql+mysqldb://caso:hunter2@host/caso"])
def test_another_driver_than_the_one_caso_is_tested_with_is_refused(connection):
    with pytest.raises(StoreError, match=r"caso speaks with (postgresql by psycopg|mariadb by pymysql)") as caught:
        open_store(connection)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("base", ["postgresql", "mariadb"])
def test_a_driver_that_is_not_installed_is_named_with_how_to_install_it(tmp_path, base):
    program = (
        "import sys; sys.modules['psycopg'] = sys.modules['pymysql'] = None\n"
        "from caso.errors import StoreError; from caso.store import open_store\n"
        "try: open_store(sys.argv[1])\n"
        "except StoreError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, f"{base}://caso:hunter2@host/caso"], capture_output=True, text=True, check=True
    )

    assert f"pip install 'caso[{base}]'" in done.stdout
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize("backend", ON_SERVERS[:1])
def test_a_database_that_cannot_hold_every_name_is_refused(servers, backend):
    server = servers(backend)
    server.tell("CREATE DATABASE latin OWNER caso TEMPLATE template0 ENCODING 'LATIN1'")

    try:
        with pytest.raises(StoreError, match="its encoding is LATIN1; make the database anew"):
            open_store(server.url("latin"))
    finally:
        server.drop("latin")


def test_a_user_who_may_not_make_tables_is_told_so(server):
    server.create("others")
    if server.drivername == "postgresql":
        server.tell("ALTER DATABASE others OWNER TO admin")
    else:
        server.tell("REVOKE ALL PRIVILEGES ON others.* FROM caso@'127.0.0.1'", "GRANT SELECT ON others.* TO caso@'127.0.0.1'")

    try:
        with pytest.raises(StoreError, match="let this user own the database"):
            open_store(server.url("others"))
    finally:
        server.drop("others")


def test_names_are_compared_by_their_bytes_whatever_the_database_is_set_to(database):
    with open_store(database) as store:
        names = ["a", "A", "á", "a ", "ａ"]
        store.observe(HERE, [a_server(name) for name in names], by="nova")

        with store.transaction() as step:
            assert [one.entity.uuid for one in step.entities.due(HERE, "p1")] == sorted(names, key=str.encode)


def test_names_of_every_alphabet_come_back(database):
    seen = a_server(name="😀 Ωμέγα ' \" \\ %s :x", user_name="名前", image_name="\x7f\x01")

    with open_store(database) as store:
        store.observe(HERE, [seen], by="nova")

        [one] = store.living(HERE, "p1", "server")
    assert (one.name, one.user_name, one.image_name) == (seen.name, seen.user_name, seen.image_name)


def test_a_connection_that_is_lost_in_a_step_costs_the_step_and_the_next_one_does_it(server, database):
    def step_that_loses_it() -> None:
        with store.transaction() as step:
            step.checkpoints.advance(NOVA, NOW)
            server.cut_off(database)
            step.ledger.put(a_statement(a_record()))

    with open_store(database) as store:
        with pytest.raises(StoreError, match="see that the server is up"):
            step_that_loses_it()
        assert store.checkpoints.get(NOVA) is None

        with store.transaction() as step:
            step.checkpoints.advance(NOVA, NOW)
        assert store.checkpoints.get(NOVA).until == NOW


def test_a_connection_that_was_lost_between_two_steps_is_made_again(server, database):
    with open_store(database) as store:
        put(store, a_statement(a_record()))
        server.cut_off(database)

        store.observe(HERE, [a_server()], by="nova")

        assert len(list(store.living(HERE, "p1", "server"))) == 1


def test_a_deadlock_with_another_program_costs_the_step_and_the_next_one_does_it(database):
    told = []

    def step() -> None:
        with pytest.raises(StoreError, match="run again, nothing was lost") as caught, store.database.write() as connection:
            connection.execute(meta.update().where(meta.c.name == "theirs 0").values(value="ours"))
        told.append(caught.value)

    with open_store(database) as store, engine_of(database).connect() as program:
        # Whose transaction has done more is let through.
        program.execute(meta.insert(), [{"name": f"theirs {number}", "value": "0"} for number in range(20)])
        program.commit()
        program.execute(meta.update().where(meta.c.name.like("theirs%")).values(value="1"))
        waiting = threading.Thread(target=step)
        waiting.start()
        waiting.join(0.5)
        program.execute(meta.update().where(meta.c.name == "revision").values(value="0"))
        waiting.join()
        program.commit()

        store.observe(HERE, [a_server()], by="nova")

    assert len(told) == 1


def test_what_is_read_is_of_one_moment(store_pair):
    store, another = store_pair
    put(store, a_statement(a_record()))

    with store.database.read() as connection:
        before = connection.execute(metadata.tables["records"].select()).all()
        put(another, a_statement(a_record("vm-2"), about="vm-2"))
        after = connection.execute(metadata.tables["records"].select()).all()

    assert before == after


def test_who_waited_for_its_turn_sees_what_was_written_meanwhile(store_pair):
    store, another = store_pair

    def second() -> None:
        with another.transaction() as step:
            step.checkpoints.advance(NOVA, NOW + HOUR)

    with store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW)
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join()

    assert store.checkpoints.get(NOVA).until == NOW + HOUR


@pytest.fixture
def store_pair(database):
    """Two processes' stores, as far as the server can tell."""
    with open_store(database) as store, open_store(database) as another:
        yield store, another


def test_a_process_that_was_killed_while_it_made_the_tables_is_not_in_the_way(database):
    with engine_of(database).begin() as connection:
        metadata.tables["entities"].create(connection)
        metadata.tables["meta"].create(connection)

    with pytest.raises(StoreError, match="there is none yet"):
        require_store(database)
    with open_store(database) as store:
        assert put(store, a_statement(a_record())).new == 1


def test_a_dry_run_copies_a_store_of_many_rows_and_leaves_it_as_it_is(database):
    with open_store(database) as store:
        put(store, *(a_statement(a_record(f"vm-{n}"), about=f"vm-{n}") for n in range(1203)))
        store.ledger.configure({"ssm": Subscription()}, NOW)

        with open_scratch(database) as scratch:
            assert scratch.database.name == store.database.name
            assert len(deliver(scratch, "ssm")) == 1000

        assert store.ledger.counts("ssm").due == 1203
