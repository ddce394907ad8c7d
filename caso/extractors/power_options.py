"""The options of [prometheus], and what is made of them."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote, urlsplit

from oslo_config import cfg

from caso.errors import ConfigError
from caso.extractors.power import UNITS, UUIDS, PowerMeter, selector

POWER_OPTIONS: tuple[cfg.Opt, ...] = (
    cfg.StrOpt("prometheus_endpoint", default="http://localhost:9090", help="URL of Prometheus: what stands before /api/v1."),
    cfg.StrOpt("prometheus_metric_name", default="prometheus_value", help="Metric with the power, or the energy, of servers."),
    cfg.StrOpt("vm_uuid_label_name", default="uuid", help="Label of the metric that has the UUID of the server."),
    cfg.ListOpt(
        "labels",
        default=["type_instance:scaph_process_power_microwatts"],
        help="Other labels that the series are to have, each as name:value.",
    ),
    cfg.StrOpt(
        "query",
        help="In place of the metric, its labels and the UUID's: a selector without a range, in which {uuids} is replaced "
        'by a regular expression for the servers, such as kepler_vm_cpu_joules_total{vm_id=~"{uuids}"}. Any other expression '
        "is evaluated every prometheus_step_seconds. vm_uuid_label_name has to be a label of what it finds.",
    ),
    cfg.StrOpt(
        "unit",
        default="microwatts",
        choices=sorted(UNITS),
        help="Of the values. Watts are of gauges; joules and watt hours are of counters, which go on until they are set to 0.",
    ),
    cfg.IntOpt(
        "prometheus_step_seconds",
        default=30,
        min=1,
        max=600,
        help="Seconds from one sample to the next; were they rarer, nothing would be told of the end of a day in time. The "
        "longest gap over which the power is taken for known are ten of these, or five minutes if that is more.",
    ),
    cfg.BoolOpt("prometheus_verify_ssl", default=True, help="Verify the certificate of Prometheus."),
    cfg.StrOpt("cafile", help="PEM file with the authority that signed it, where the system does not know that."),
    cfg.StrOpt("username", help="User name for Prometheus, or for the proxy before it."),
    cfg.StrOpt("password", secret=True, help="Its password."),
    cfg.StrOpt("token", secret=True, help="Bearer token, in place of user name and password."),
    cfg.IntOpt("timeout", default=60, min=1, help="Seconds of silence after which an answer is given up."),
    cfg.FloatOpt(
        "cpu_normalization_factor",
        default=1.0,
        min=0,
        help="CPUNormalizationFactor of energy records: how fast the site's cores are.",
    ),
)


def meter_from(conf: cfg.ConfigOpts.GroupAttr) -> PowerMeter:
    """How servers are asked about; ConfigError where that cannot be told."""
    if conf.query is not None and UUIDS not in conf.query:
        raise ConfigError(
            f"[prometheus] query: {conf.query!r} has no {UUIDS}, and would find all series; "
            f'write it like kepler_vm_cpu_joules_total{{vm_id=~"{UUIDS}"}}'
        )
    if not conf.vm_uuid_label_name or not (conf.query or conf.prometheus_metric_name):
        raise ConfigError("[prometheus] prometheus_metric_name or vm_uuid_label_name is empty; name the metric and its label")
    labels = dict(_label(text) for text in conf.labels)
    query = conf.query or selector(conf.prometheus_metric_name, conf.vm_uuid_label_name, labels)
    return PowerMeter(query, conf.vm_uuid_label_name, UNITS[conf.unit], conf.prometheus_step_seconds)


def connection_from(conf: cfg.ConfigOpts.GroupAttr) -> dict[str, Any]:
    """How the server is reached, as :meth:`caso.sources.Sources.prometheus` takes it."""
    parts = urlsplit(conf.prometheus_endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigError("[prometheus] prometheus_endpoint is no URL of a server; write it like http://localhost:9090")
    verify = (conf.cafile or True) if conf.prometheus_verify_ssl else False
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    named = unquote(parts.username or ""), unquote(parts.password or "")
    return {"url": url, "verify": verify, "timeout": conf.timeout, "headers": _headers(conf, *named)}


def _headers(conf: cfg.ConfigOpts.GroupAttr, username: str, password: str) -> dict[str, str]:
    """With the token or the user name that is configured; else with what stands in the URL."""
    if conf.token:
        return {"Authorization": f"Bearer {conf.token}"}
    if conf.username:
        username, password = conf.username, conf.password or ""
    if username:
        word = base64.b64encode(f"{username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}
    return {}


def _label(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not name.strip() or not colon:
        raise ConfigError(f"[prometheus] labels: {text!r} is no name:value; write it like type_instance:power")
    return name.strip(), value.strip()
