"""What caso remembers, for an extractor that asks for less because of it."""


class Remembered:
    """A memory of these entities, by kind."""

    def __init__(self, **entities):
        self._entities = {kind: list(known) for kind, known in entities.items()}

    def living(self, kind, project_id):
        return [known for known in self._entities.get(kind, ()) if known.project_id == project_id]

    def known(self, kind, ids):
        return {known.uuid: known for known in self._entities.get(kind, ()) if known.uuid in ids}

    def forget(self, uuid):
        for kind, known in self._entities.items():
            self._entities[kind] = [one for one in known if one.uuid != uuid]
