"""The misconfigurations that caso-doctor has to find, each with the words by which it is found and what is to be done."""

import os

from tests.cloud import Fault
from tests.functional.misconfiguring import (
    HOURS,
    at_every_address,
    both,
    error,
    file_in_the_way,
    lock,
    mapping,
    mode,
    noted,
    put_away,
    quarantine,
    queue,
    refuse,
    rows,
    setting,
    spec,
    spool,
    store,
    warning,
)

SET = "update project set enabled = 0 where name = ?"
NO_ROLE = "delete from assignment where target_id = (select id from project where name = ?)"
NO_ENDPOINT = "delete from endpoint where {}"
OF_CINDER = "service_id in (select id from service where type like 'block%' or type like 'volume%')"
NO_SPEC = 'delete from flavor_extra_specs where "key" = ? and flavor_id = (select id from flavors where name = ?)'
STRANGERS = {"other.vo": ["project-0"], "some.vo": ["projekt-1"], "more.vo": ["untagged"]}

TOGETHER = [
    warning(
        "option misspelled", setting("DEFAULT", "site_nam = X"), "configuration", "no option site_nam", "did you mean site_name"
    ),
    warning(
        "group misspelled", setting("keystone-auth", "x = 1"), "configuration", "no group [keystone-auth]", "[keystone_auth]"
    ),
    error(
        "Prometheus down",
        both(
            setting("DEFAULT", "messengers = ssm, logstash", "extractor = nova, cinder, neutron, prometheus"),
            setting("prometheus", "prometheus_endpoint = http://127.0.0.1:9"),
        ),
        "prometheus",
        "prometheus: cannot get prometheus_value{",
        "check prometheus_endpoint",
    ),
    noted(
        "old name",
        setting("DEFAULT", "benchmark_name_key = accounting:benchmark_type"),
        "configuration",
        "benchmark_name_key is a name of an older",
        "write",
    ),
    warning("site's name", setting("DEFAULT", "site_name = Our Site"), "configuration", "site_name is 'Our Site'", "GOCDB"),
    warning(
        "state of Nova",
        setting("accounting", "suspended_states = SUSPENDET"),
        "configuration",
        "no state SUSPENDET",
        "choose from",
    ),
    warning(
        "deadline in minutes", setting("DEFAULT", "deadline = 30"), "configuration", "deadline is 30 seconds", "at least 300"
    ),
    warning("dry run for ever", setting("DEFAULT", "dry_run = true"), "configuration", "dry_run stands in", "take it out"),
    warning("open password", mode(lambda site: site.conf, 0o644), "configuration", "other users may read it", "chmod o="),
    error("no TLS", setting("keystone_auth", "insecure = true"), "credentials", "not verified (insecure)", "set cafile"),
    warning("no TLS to Keystone", at_every_address, "credentials", "over the network as plain text", "https://"),
    error(
        "no such project",
        setting("DEFAULT", "projects = nowhere"),
        "projects",
        "project nowhere: Keystone has none",
        "correct projects",
    ),
    error("disabled project", rows("keystone", SET, "project-1"), "projects", "project project-1 (", "enable it"),
    error("no role", rows("keystone", NO_ROLE, "project-2"), "projects", "no token for", "has a role"),
    error("no VO", mapping(STRANGERS), "VOs", "project without-vo (", "openstack project set --property"),
    warning("two VOs", mapping(STRANGERS), "VOs", "gives project project-0 to other.vo", "take the project out"),
    warning(
        "mapped in vain",
        mapping(STRANGERS),
        "VOs",
        "do not exist, or that this user is not shown: projekt-1",
        "correct the names",
    ),
    warning("mapped alone", mapping(STRANGERS), "VOs", "not accounted for: untagged", "caso_tag"),
    warning(
        "benchmark without value",
        rows("nova_api", NO_SPEC, "accounting:benchmark_value", "bench.large"),
        "flavors",
        "bench.large has no property accounting:benchmark_value",
        "openstack flavor set",
    ),
    warning("benchmark in words", spec("gpu.a100", "accounting:benchmark_value", "fast"), "flavors", "is 'fast'", "flavor set"),
    warning("accelerators in words", spec("gpu.a100", "Accelerator:Number", "two"), "flavors", "is 'two'", "flavor set"),
    warning(
        "type is missing",
        spec("m1.small", "Accelerator:Number", "2"),
        "flavors",
        "m1.small has no property Accelerator:Type",
        "flavor",
    ),
    warning(
        "model is missing",
        spec("m1.large", "Accelerator:Type", "GPU"),
        "flavors",
        "m1.large has no property Accelerator:Model",
        "flavor",
    ),
    warning(
        "short pages",
        lambda site: site.cloud.faults.add(Fault("nova", path="/servers", limit=20)),
        "services",
        "nova gives pages of 20",
        "max_limit",
    ),
    warning("clock", lambda site: site.cloud.faults.add(Fault("cinder", ahead=90)), "clocks", "clock of cinder is", "chrony"),
    error(
        "clock far off", lambda site: site.cloud.faults.add(Fault("neutron", ahead=-900)), "clocks", "of neutron is 9", "chrony"
    ),
    warning("open spool", mode(spool, 0o755), "spool", "spool is open to other users", "chmod o="),
    warning("open store", mode(store, 0o644), "spool", "caso.sqlite is open to other users", "chmod o="),
    warning("open queue", mode(queue, 0o777), "ssm", "queue is open to other users", "chmod o="),
    warning(
        "no ssmsend", put_away(queue, "6a000000/6a000000000001", b"x", 50 * HOURS), "ssm", "oldest for 50 hours", "ssmsend runs"
    ),
    warning("ssmsend killed", lock, "ssm", "1 messages in", "takes old locks away"),
    noted("foreign file", put_away(queue, "notes.txt", b"x", 0), "ssm", "notes.txt", "move them"),
    error("Logstash down", lambda site: None, "logstash", "cannot connect to 127.0.0.1:", "start the receiver"),
    warning("records due", lambda site: None, "lag", " records are due", "caso-ledger list"),
    warning("records refused", refuse, "lag", "logstash: 2 records are set aside", "caso-ledger rejected"),
    warning("quarantine", quarantine, "lag", "server 0ddba11-1 is in quarantine", "each run tries again"),
    error("long lag", lambda site: None, "lag", "nova in RegionOne: extracted until 2026-10-12", "caso-reconcile"),
    warning("lag", lambda site: None, "lag", "cinder in RegionOne: extracted until 2026-10-12", "cron"),
]
"""All on one site at once: none of these keeps the others from being found."""

OFFLINE = setting("keystone_auth", "auth_url =", "auth_type =")
"""No credentials: for what is found without asking anybody."""

ALONE = [
    error("no credentials", OFFLINE, "credentials", "no credentials: name a cloud", "keystone_auth"),
    error(
        "no such login",
        setting("keystone_auth", "auth_type = pasword"),
        "credentials",
        "no plug-in is called 'pasword'",
        "there are",
    ),
    error(
        "wrong password", setting("keystone_auth", "password = x"), "token", "no token for the configured scope", "check the cred"
    ),
    error(
        "no Keystone",
        setting("keystone_auth", "auth_url = http://127.0.0.1:9/v3"),
        "token",
        "cannot get a token",
        "can be reached",
    ),
    error(
        "tag without projects",
        setting("DEFAULT", "caso_tag = cas0", "projects ="),
        "projects",
        "the tag 'cas0'",
        "correct caso_tag",
    ),
    error(
        "interface",
        both(setting("DEFAULT", "interface = internal"), rows("keystone", NO_ENDPOINT.format("interface = 'internal'"))),
        "catalog",
        "no internal endpoint of",
        "check interface",
    ),
    error("region", setting("DEFAULT", "region_name = RegionOn"), "catalog", "none of these services in RegionOn", "RegionOne"),
    warning(
        "no Cinder", rows("keystone", NO_ENDPOINT.format(OF_CINDER)), "catalog", "endpoint of block-storage", "take cinder out"
    ),
    error(
        "old Nova",
        rows("keystone", "update endpoint set url = replace(url, '/v2.1', '/v2')"),
        "services",
        "this cloud is too old",
        "point to /v2.1",
    ),
    error(
        "Nova down",
        lambda site: site.cloud.faults.add(Fault("nova", status=500)),
        "services",
        "nova: cannot",
        "log of the service",
    ),
    warning(
        "no role on the system",
        both(
            setting("keystone_auth", "system_scope =", "project_name = project-0", "project_domain_name = Default"),
            rows("keystone", "delete from system_assignment"),
        ),
        "roles",
        "may not list users",
        "--system all reader",
    ),
    error("no site's name", both(OFFLINE, setting("DEFAULT", "site_name =")), "configuration", "site_name is not set", "GOCDB"),
    warning(
        "nobody gets them",
        both(OFFLINE, setting("DEFAULT", "messengers = noop")),
        "configuration",
        "the only messenger is noop",
        "ssm",
    ),
    error(
        "record type",
        both(OFFLINE, setting("messenger_ssm", "record_types = clowd")),
        "ssm",
        "clowd is no record type",
        "choose from",
    ),
    error(
        "spool in the way",
        both(OFFLINE, file_in_the_way, lambda site: setting("DEFAULT", f"spooldir = {site.folder}/file/spool")(site)),
        "spool",
        "file is no directory",
        "correct",
    ),
    error(
        "queue in the way",
        both(OFFLINE, file_in_the_way, lambda site: setting("ssm", f"output_path = {site.folder}/file/queue")(site)),
        "ssm",
        "file is no directory",
        "correct output_path",
    ),
    error("noise", both(OFFLINE, put_away(spool, "caso.sqlite", os.urandom(9000), 0)), "store", "not a database", "restore it"),
    error("empty store", both(OFFLINE, put_away(spool, "caso.sqlite", b"", 0)), "store", "the file is empty", "backup"),
]
"""Each on a site of its own, as it keeps something else from being looked at."""
