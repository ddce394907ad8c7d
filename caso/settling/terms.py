"""What the records of a project depend on besides what is known of each of its servers and volumes."""

from __future__ import annotations

import dataclasses
import json
from hashlib import sha256

from caso import __version__
from caso.settling.context import Context


def terms_of(context: Context, *others: object) -> str:
    """A word for it, another one where anything of it is otherwise: the site's rules, the project's VO, caso itself.

    Records are made anew then, which otherwise only go on by time.
    """
    rules = dataclasses.asdict(context.rules)
    rules["suspended_states"] = sorted(context.rules.suspended_states)
    told = [__version__, rules, context.accounts.vo_of.get(context.project_id), others]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
