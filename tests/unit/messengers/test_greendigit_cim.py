import dataclasses
import json
import logging
import re
import socket
import threading
from pathlib import Path

import pytest
from oslo_config import cfg

from caso.delivery import Outlet, deliver, subscribe
from caso.errors import ConfigError, DeliveryError, RejectedError
from caso.messengers.greendigit_cim import GreenDigitCimMessenger
from caso.store import open_store
from caso.testing.records import a_cloud_record, an_energy_record
from tests.unit.doc.test_documentation import program_text
from tests.unit.messengers.cim import API, EMAIL, PASSWORD, CimServer, Reply
from tests.unit.messengers.receivers import HERE, Authority
from tests.unit.store.building import NOW, a_statement, put

ROOT = Path(__file__).parents[3]
RECORDS = [an_energy_record(vm_uuid=f"vm-{number}") for number in range(8)]
NAMES = [record.vm_uuid for record in RECORDS]
PAGE = Reply(200, "<html>Welcome to our network</html>", (("Content-Type", "text/html"),))


# urllib3 warns of what the test is about.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture
def cim():
    with CimServer() as server:
        yield server


@pytest.fixture
def free_port():
    with socket.create_server((HERE, 0)) as listener:
        return listener.getsockname()[1]


def messenger_to(url, **options):
    return GreenDigitCimMessenger(url, EMAIL, PASSWORD, **{"timeout": 20, **options})


def trouble_of(messenger, records=RECORDS):
    with pytest.raises(DeliveryError) as failed:
        messenger.send(records)
    return str(failed.value)


def refused_by(messenger, records=RECORDS):
    with pytest.raises(RejectedError) as refused:
        messenger.send(records)
    return refused.value.reasons


def kept(cim):
    return [record["ExecUnitID"] for record in cim.records]


def is_one_of(*names):
    return lambda record: record["ExecUnitID"] in names


# --- A token, then the records


def test_records_are_submitted_in_their_order_with_a_token(cim):
    messenger_to(cim.url).send(RECORDS)

    assert kept(cim) == NAMES
    assert [request.line for request in cim.requests] == [f"POST {API}/token", f"POST {API}/submit"]
    assert cim.requests[1].authorization == f"Bearer {cim.tokens[0]}"


def test_credentials_are_in_the_body_and_in_no_url_and_no_header(cim):
    messenger_to(cim.url).send(RECORDS)

    login = cim.requests[0]
    assert json.loads(login.body) == {"email": EMAIL, "password": PASSWORD}
    assert (login.line, login.authorization) == (f"POST {API}/token", None)


def test_a_service_that_takes_the_password_for_a_token_in_the_url_only_is_logged_in_to_by_its_form():
    with CimServer(by_form=True) as cim:
        messenger_to(cim.url).send(RECORDS)

    assert kept(cim) == NAMES
    assert all("?" not in request.line for request in cim.requests)
    assert [request.line for request in cim.requests] == [f"POST {API}/token", f"POST {API}/login", f"POST {API}/submit"]


def test_nobody_is_asked_anything_for_nothing(cim):
    messenger_to(cim.url).send([])

    assert cim.requests == []


def test_a_token_is_kept_for_all_that_follows(cim):
    messenger = messenger_to(cim.url)
    messenger.send(RECORDS[:1])
    messenger.send(RECORDS[1:])

    assert (len(cim.tokens), cim.posts) == (1, 2)


def test_a_token_that_has_expired_is_renewed_once(cim):
    messenger = messenger_to(cim.url)
    messenger.send(RECORDS[:1])
    cim.expire()

    messenger.send(RECORDS[1:])

    assert kept(cim) == NAMES
    assert len(cim.tokens) == 2


def test_a_service_that_refuses_every_token_is_not_asked_for_ever(cim):
    cim.replies = [Reply(401), Reply(401), Reply(401)]

    trouble = trouble_of(messenger_to(cim.url))

    assert "HTTP 401 Unauthorized; check email and password in [greendigit_cim], and that GreenDIGIT lets this account" in trouble
    assert cim.posts == 2


def test_what_a_netrc_has_for_the_host_is_sent_to_nobody(cim, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HERE} login me password other")
    monkeypatch.setenv("NETRC", str(netrc))

    messenger_to(cim.url).send(RECORDS)

    assert [request.authorization for request in cim.requests] == [None, f"Bearer {cim.tokens[0]}"]


def test_records_go_in_batches(cim):
    messenger = messenger_to(cim.url, batch_size=3)

    messenger.send(RECORDS)

    assert [len(submission) for submission in cim.submissions] == [3, 3, 2]
    assert messenger.batch_size == 3


# --- Records that are refused


def test_a_bad_record_in_a_batch_is_found_and_named_and_its_neighbours_are_taken(cim):
    cim.bad = is_one_of("vm-2", "vm-7")

    reasons = refused_by(messenger_to(cim.url))

    assert list(reasons) == [RECORDS[2].key, RECORDS[7].key]
    assert "HTTP 400 Bad Request: a record makes no sense" in reasons[RECORDS[2].key]
    assert kept(cim) == [name for name in NAMES if name not in ("vm-2", "vm-7")]


def test_what_was_taken_while_the_bad_one_was_looked_for_is_not_submitted_again(cim):
    cim.bad = is_one_of("vm-5")
    messenger = messenger_to(cim.url)
    refused = refused_by(messenger)

    messenger.send([record for record in RECORDS if record.key not in refused])

    assert sorted(kept(cim)) == [name for name in NAMES if name != "vm-5"]


def test_a_record_that_changed_meanwhile_is_submitted(cim):
    cim.bad = is_one_of("vm-1")
    messenger = messenger_to(cim.url)
    refused_by(messenger, RECORDS[:2])
    better = an_energy_record(vm_uuid="vm-0", energy_wh=961.0)

    messenger.send([better])

    assert [record["EnergyWh"] for record in cim.records] == [960, 961]


def test_batches_that_were_taken_before_a_failure_are_not_submitted_again_by_this_process(cim):
    messenger = messenger_to(cim.url, batch_size=4)
    messenger.send(RECORDS[:1])
    cim.replies = [Reply(200, {}), Reply(503)]
    trouble_of(messenger)

    messenger.send(RECORDS)

    assert kept(cim) == ["vm-0", *NAMES[4:]]


@pytest.mark.parametrize("status", [400, 422])
def test_a_service_that_takes_none_of_several_is_not_about_one_record(cim, status):
    cim.replies = [Reply(status, {"detail": "Submission body must be a JSON object"})] * 99

    trouble = trouble_of(messenger_to(cim.url))

    assert "takes none of 8 records: HTTP" in trouble
    assert "Submission body must be a JSON object" in trouble
    assert "whether a newer caso knows what it wants" in trouble


def test_a_single_record_that_is_refused_is_set_aside(cim):
    cim.replies = [Reply(422, {"detail": [{"msg": "no"}]})]

    assert list(refused_by(messenger_to(cim.url), RECORDS[:1])) == [RECORDS[0].key]


def test_a_batch_that_is_too_large_goes_in_smaller_ones(cim):
    cim.replies = [Reply(413, "<html>")]

    messenger_to(cim.url).send(RECORDS)

    assert [len(submission) for submission in cim.submissions] == [4, 4]


def test_nothing_is_submitted_of_records_among_which_one_cannot_be_written(cim):
    bad = an_energy_record(vm_uuid="bad", energy_wh=float("nan"))

    assert list(refused_by(messenger_to(cim.url), [*RECORDS, bad])) == [bad.key]
    assert cim.requests == []


def test_other_kinds_are_refused_by_their_key(cim):
    record = a_cloud_record()

    assert list(refused_by(messenger_to(cim.url), [*RECORDS, record])) == [record.key]
    assert cim.requests == []


# --- A service in trouble


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(403, {"detail": "Missing required role: publish"}), "role: publish; check email and password in [greendigit_cim]"),
        (Reply(404), "HTTP 404 Not Found; correct [greendigit_cim] base_url"),
        (Reply(429), "HTTP 429 Too Many Requests; the service is in trouble; the next run tries again"),
        (Reply(500, {"detail": "DB error:\n\x1b[31mx"}), "DB error: \ufffd[31mx; the service is in trouble"),
        (Reply(503, "<html>down</html>"), "HTTP 503 Service Unavailable; the service is in trouble"),
        (Reply(302, "", (("Location", "/elsewhere"),)), "HTTP 302 Found; correct [greendigit_cim] base_url"),
        (Reply(307, "", (("Location", "https://thief.example.org/"),)), "redirected to https://thief.example.org; correct"),
        (Reply(302, ""), "HTTP 302 Found; correct [greendigit_cim] base_url"),
        (PAGE, "what answers is not GreenDIGIT's service"),
        (Reply(200, "<html>Welcome</html>", (("Content-Type", ""),)), "what answers is not GreenDIGIT's service"),
        (Reply(200, ""), "what answers is not GreenDIGIT's service"),
        (Reply(200, {"ok": False, "error": "disk full"}), "says that it has not kept it: disk full; the next run"),
        (Reply(200, {"stored": {"ok": False}}), "says that it has not kept it; the next run"),
    ],
)
def test_records_that_are_not_taken_stay_due_with_a_word_on_what_to_do(cim, reply, told):
    cim.replies = [reply]

    trouble = trouble_of(messenger_to(cim.url))

    assert trouble.startswith(f"cannot hand 8 records to {cim.url}: ")
    assert told in trouble
    assert cim.posts == 1


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(401, {"detail": PASSWORD}), "HTTP 401 Unauthorized; check email and password in [greendigit_cim]"),
        (Reply(403, {"detail": "Email not allowed"}), "HTTP 403 Forbidden; check email and password in [greendigit_cim]"),
        (Reply(503, {"detail": PASSWORD}), "HTTP 503 Service Unavailable; the service is in trouble"),
        (Reply(404), "HTTP 404 Not Found; correct [greendigit_cim] base_url"),
        (Reply(200, {"access_token": "two\r\nlines"}), "what answers is not GreenDIGIT's service"),
        (Reply(200, {"access_token": None}), "what answers is not GreenDIGIT's service"),
        (Reply(200, "[" * 100_000), "what answers is not GreenDIGIT's service"),
        (PAGE, "what answers is not GreenDIGIT's service"),
    ],
)
def test_without_a_token_nothing_is_submitted(cim, reply, told):
    cim.login = reply

    trouble = trouble_of(messenger_to(cim.url))

    assert trouble.startswith(f"cannot get a token from {cim.url}: ")
    assert told in trouble
    assert cim.posts == 0


def test_a_service_that_is_down_is_named_and_is_given_everything_when_it_comes_back(free_port):
    messenger = messenger_to(f"http://{HERE}:{free_port}")
    trouble = trouble_of(messenger)

    with CimServer(port=free_port) as cim:
        messenger.send(RECORDS)

    assert "Connection refused; check that the service runs and can be reached from here" in trouble
    assert kept(cim) == NAMES


def test_a_service_that_does_not_answer_in_time_has_taken_nothing(cim):
    cim.seconds = 3

    assert "give it more than 1 seconds in [greendigit_cim] timeout" in trouble_of(messenger_to(cim.url, timeout=1))


def test_a_service_that_goes_on_answering_without_an_end_is_left():
    left = threading.Event()

    def drip(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not left.wait(0.1):
                connection.sendall(b" ")

    with socket.create_server((HERE, 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        trouble = trouble_of(messenger_to(f"http://{HERE}:{listener.getsockname()[1]}", timeout=1))
        left.set()
        thread.join(10)

    assert "the answer did not end in time; if the service is only slow" in trouble


# --- TLS


def test_the_certificate_is_verified_unless_told_otherwise(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "authority")
    with CimServer(tls=authority.serving()) as cim:
        trouble = trouble_of(messenger_to(cim.url))
        messenger_to(cim.url, verify_ssl=False).send(RECORDS[:1])
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.cafile))
        messenger_to(cim.url).send(RECORDS[1:])

    assert "certificate verify failed" in trouble
    assert "see that this machine knows the authority that signed it" in trouble
    assert kept(cim) == NAMES


def test_a_service_of_plain_http_is_told_nothing_over_tls(cim):
    trouble = trouble_of(messenger_to(cim.url.replace("http:", "https:")))

    assert "is it http in place of https?" in trouble


# --- Secrets


def test_neither_password_nor_token_is_in_a_log_or_a_message(cim, caplog):
    caplog.set_level(logging.DEBUG)
    cim.bad = is_one_of("vm-3")
    messenger = messenger_to(cim.url)
    messenger.send(RECORDS[:1])
    told = [*refused_by(messenger).values()]
    cim.replies = [Reply(500, {"detail": f"Bearer {cim.tokens[0]}"})]
    told.append(trouble_of(messenger, [an_energy_record()]))
    cim.login = Reply(422, {"detail": [{"input": {"password": PASSWORD}}]})
    told.append(trouble_of(messenger_to(cim.url)))
    told += [finding.what for finding in messenger_to(cim.url).examine()]

    everything = caplog.text + "".join(told)
    assert "1 records taken by" in everything
    assert len(told) == 4
    assert [secret for secret in (PASSWORD, *cim.tokens) if secret in everything] == []


# --- What it says of itself


def findings(messenger):
    return [(finding.level, finding.what) for finding in messenger.examine()]


def test_an_examination_logs_in_and_submits_nothing(cim):
    assert findings(messenger_to(cim.url)) == [("ok", f"{cim.url} lets caso log in")]
    assert cim.posts == 0


def test_an_examination_finds_a_wrong_password_and_says_what_waits_for_it(cim):
    (found,) = GreenDigitCimMessenger(cim.url, EMAIL, "wrong").examine()

    assert (found.level, found.why) == ("error", "records for it stay due, and are sent once it takes them")
    assert found.do == "check email and password in [greendigit_cim]"


def test_a_password_that_travels_in_the_open_is_warned_of():
    plain = next(messenger_to("http://greendigit.invalid").examine())

    assert (plain.level, plain.do) == ("warning", "write https in base_url of [greendigit_cim]")


def test_a_certificate_that_nobody_verifies_is_warned_of(tmp_path):
    with CimServer(tls=Authority(tmp_path / "authority").serving()) as cim:
        found = findings(messenger_to(cim.url, verify_ssl=False))

    assert found == [("warning", f"the certificate of {cim.url} is not verified"), ("ok", f"{cim.url} lets caso log in")]


# --- With the ledger


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as store:
        yield store


def told_to(store, *records):
    put(store, dataclasses.replace(a_statement(*records), kinds=frozenset({"energy"})))


def delivered(store, messenger):
    outlets = [Outlet("greendigit_cim", messenger, messenger.record_types)]
    subscribe(store, outlets, NOW)
    (delivery,) = deliver(store, outlets, lambda: NOW)
    return delivery


def test_each_good_record_is_kept_once_and_the_bad_one_is_set_aside(cim, store):
    told_to(store, *RECORDS)
    cim.bad = is_one_of("vm-3")

    delivery = delivered(store, messenger_to(cim.url))

    assert (delivery.sent, delivery.refused, delivery.tally.due, delivery.error) == (7, 1, 0, None)
    assert sorted(kept(cim)) == [name for name in NAMES if name != "vm-3"]


def test_what_a_service_in_trouble_did_not_take_stays_due_and_what_it_took_is_not_sent_by_the_next_run(cim, store):
    told_to(store, *RECORDS)
    cim.room = 3

    failed = delivered(store, messenger_to(cim.url, batch_size=3))
    cim.room = None
    again = delivered(store, messenger_to(cim.url, batch_size=3))

    assert (failed.sent, failed.tally.due, again.sent, again.tally.due) == (3, 5, 5, 0)
    assert "HTTP 503 Service Unavailable" in str(failed.error)
    assert sorted(kept(cim)) == NAMES


# --- Documentation


def test_the_page_quotes_the_messages_that_the_messenger_has():
    page = (ROOT / "doc/source/greendigit.rst").read_text(encoding="utf-8").partition("\nWhen it fails\n")[2]
    quoted = re.findall(r"^``(.*)``$", page, re.MULTILINE)
    known = program_text()

    assert len(quoted) == 8
    assert [text for text in quoted if not all(piece in known for piece in own_words(text))] == []


def own_words(message):
    """What the program says itself: not numbers, addresses, keys, or what came with the status of an answer."""
    without = re.sub(r"HTTP \d+ [A-Z][A-Za-z ]+|https://\.\.\.|energy/\.\.\.|greendigit_cim refuses|\.\.\.|\b\d+\b", "|", message)
    return [piece.strip(" :;") for piece in without.split("|") if len(piece.split()) > 2]


# --- Configuration


def from_text(text, tmp_path):
    path = tmp_path / "caso.conf"
    path.write_text(f"[greendigit_cim]\n{text}\n")
    conf = cfg.ConfigOpts()
    conf.register_opts(GreenDigitCimMessenger.options, group="greendigit_cim")
    conf(args=[], default_config_files=[str(path)], default_config_dirs=[])
    return GreenDigitCimMessenger.from_conf(conf.greendigit_cim)


def test_an_old_sites_group_is_enough(tmp_path, cim):
    text = f"base_url = {cim.url}/\nemail = {EMAIL}\npassword = {PASSWORD}\nverify_ssl = true"

    from_text(text, tmp_path).send(RECORDS)

    assert kept(cim) == NAMES


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("password = x", "email is not set"),
        ("email = a@example.org", "password is not set"),
        ("base_url =\nemail = a\npassword = b", "base_url is not set"),
        ("base_url = greendigit.example.org\nemail = a\npassword = b", "base_url is no URL"),
        ("base_url = https://me:hunter2@greendigit.example.org\nemail = a\npassword = b", "base_url is no URL"),
    ],
)
def test_settings_that_cannot_be_meant_are_a_config_error(text, reason, tmp_path):
    with pytest.raises(ConfigError, match=reason) as caught:
        from_text(text, tmp_path)

    assert "hunter2" not in str(caught.value)
