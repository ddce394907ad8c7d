"""Why the numbers of one server or volume are what they are: pure, from what the store holds of it."""

from __future__ import annotations

from caso.explaining.explanation import Background, Explanation, explain
from caso.explaining.finding import KINDS, Answer, find
from caso.explaining.servers import Devices, ServerMonth
from caso.explaining.telling import Certainty, Told
from caso.explaining.volumes import VolumeMonth, VolumePart

__all__ = [
    "KINDS",
    "Answer",
    "Background",
    "Certainty",
    "Devices",
    "Explanation",
    "ServerMonth",
    "Told",
    "VolumeMonth",
    "VolumePart",
    "explain",
    "find",
]
