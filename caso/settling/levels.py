"""Levels: what a project holds at the end of a window, over all regions of a service."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from caso.accounting.addresses import ip_records
from caso.accounting.rules import Rules
from caso.lifecycle.address import Address
from caso.records import IpRecord
from caso.settling.context import Context
from caso.store import Place, Statement
from caso.window import RESOLUTION, Month


def settle_addresses(context: Context) -> None:
    """The levels of a project's public addresses, for each month that the window touches.

    The recipient knows no regions: those of one service are summed, each as it was last seen.
    """
    _take_back_under_former_name(context)
    addresses = _addresses(context, context.rules)
    if not context.whole and not any(address.known_at >= context.accounts.seen_since for address in addresses):
        return
    _put(context, context.rules, addresses)


def _take_back_under_former_name(context: Context) -> None:
    """Where the service has got another name, what is left under its former one: else the same addresses would count twice."""
    held = context.step.checkpoints.get(context.plan.scope)
    if context.plan.live and held and held.service and held.service != context.rules.service_name:
        former = dataclasses.replace(context.rules, service_name=held.service)
        # What is known now is that this region is none of that service: no address of the others tells it.
        addresses = [
            dataclasses.replace(address, known_at=max(address.known_at, context.accounts.seen_since))
            for address in _addresses(context, former)
        ]
        _put(context, former, addresses)


def _put(context: Context, rules: Rules, addresses: Sequence[Address]) -> None:
    start, end = context.plan.window
    vo = context.accounts.vo_of[context.project_id]
    statement = Statement(
        subject=f"project/{rules.service_name}/{context.project_id}",
        kinds=frozenset({IpRecord.kind}),
        since=Month.of(start),
        until=Month.of(end - RESOLUTION),
        known_at=max((address.known_at for address in addresses), default=context.accounts.seen_since),
        records=ip_records(addresses, context.project_id, vo, start, end, rules),
        place=context.place,
        project_id=context.project_id,
    )
    context.settled.changes += context.step.ledger.put(statement)


def _addresses(context: Context, rules: Rules) -> list[Address]:
    """The project's addresses in all regions of a service, with those given back since the first month of the window began.

    One that several regions tell of (they share a Neutron, or one is the other's former name) is one address.
    """
    since = Month.of(context.plan.window.start).start
    places = [Place(context.place.cloud, region) for region in sorted(_regions_of_service(context, rules.service_name))]
    told = [address for place in places for address in context.addresses(since, place)]
    return list({address.id: address for address in sorted(told, key=lambda address: address.known_at)}.values())


def _regions_of_service(context: Context, service: str) -> set[str]:
    """The regions of a service: those of this run, and those that other runs account for under its name.

    A region that no run has asked since the first month of the window began is accounted for no more: nobody
    would ever tell that its addresses were given back.
    """
    rules, since = context.accounts.rules, Month.of(context.plan.window.start).start
    others = {
        checkpoint.scope.region
        for checkpoint in context.step.checkpoints.of_project(context.place.cloud, context.project_id)
        if checkpoint.service == service
        and checkpoint.scope.region not in rules
        and "address" in checkpoint.kinds
        and checkpoint.until >= since
    }
    return others | {region for region, rule in rules.items() if rule.service_name == service}
