"""Levels: what a project holds at the end of a window, over all regions of a service."""

from __future__ import annotations

from caso.accounting.addresses import ip_records
from caso.records import IpRecord
from caso.settling.context import Context
from caso.store import Place, Statement
from caso.window import RESOLUTION, Month


def settle_addresses(context: Context) -> None:
    """The levels of a project's public addresses, for each month that the window touches.

    The recipient knows no regions: those of one service are summed, each as it was last seen.
    """
    start, end = context.plan.window
    since = Month.of(start).start
    places = [Place(context.place.cloud, region) for region in sorted(_regions_of_service(context))]
    addresses = [address for place in places for address in context.addresses(since, place)]
    if not context.whole and not any(address.known_at >= context.accounts.seen_since for address in addresses):
        return
    vo = context.accounts.vo_of[context.project_id]
    statement = Statement(
        subject=f"project/{context.rules.service_name}/{context.project_id}",
        kinds=frozenset({IpRecord.kind}),
        since=Month.of(start),
        until=Month.of(end - RESOLUTION),
        known_at=max((address.known_at for address in addresses), default=end),
        records=ip_records(addresses, context.project_id, vo, start, end, context.rules),
        place=context.place,
        project_id=context.project_id,
    )
    context.settled.changes += context.step.ledger.put(statement)


def _regions_of_service(context: Context) -> set[str]:
    """The regions of the scope's service: those of this run, and those that other runs account for under its name."""
    rules, service = context.accounts.rules, context.rules.service_name
    others = {
        checkpoint.scope.region
        for checkpoint in context.step.checkpoints.of_project(context.place.cloud, context.project_id)
        if checkpoint.service == service and checkpoint.scope.region not in rules
    }
    return others | {region for region, rule in rules.items() if rule.service_name == service}
