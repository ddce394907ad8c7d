"""The life of one server, told in verbs; each writes the steps and the action Nova would."""

from datetime import datetime, timedelta

from tests.cloud.seed.truth import Action, Step

# How long Nova is busy with each, seconds; small beside any time between two things that happen.
BOOT, MOVE, SWITCH, REMOVE = 20, 40, 8, 6

# vm_state and task_state while busy, and vm_state afterwards.
_SWITCHES = {
    "stop": ("powering-off", "stopped"),
    "start": ("powering-on", "active"),
    "pause": ("pausing", "paused"),
    "unpause": ("unpausing", "active"),
    "suspend": ("suspending", "suspended"),
    "resume": ("resuming", "active"),
    "reboot": ("reboot_started", "active"),
    "rescue": ("rescuing", "rescued"),
    "unrescue": ("unrescuing", "active"),
    "shelve": ("shelving", "shelved"),
    "rebuild": ("rebuilding", "active"),
    "restore": ("restoring", "active"),
}
LAUNCHING = ("rebuild",)


class Life:
    """Collects steps and actions; call the verbs in the order of their times."""

    def __init__(self, created: datetime, flavor: str) -> None:
        """Ask Nova for a server; it is being built."""
        self.steps = [Step(created, "building", "spawning", flavor)]
        self.actions: list[Action] = []
        self._before_resize: Step | None = None

    @property
    def now(self) -> Step:
        """The last step so far."""
        return self.steps[-1]

    @property
    def created(self) -> datetime:
        return self.steps[0].at

    def boot(self) -> None:
        """The build ends well, 20 s after it began."""
        end = self._after(self.created, BOOT)
        self._step(end, "active", launched_at=end)
        self._action("create", self.created, end)

    def fail(self) -> None:
        """The build ends in error: no host was found."""
        end = self._after(self.created, SWITCH)
        self._step(end, "error")
        self._action("create", self.created, end, failed=True)

    def build_for_ever(self) -> None:
        self.actions.append(Action("create", self.created, None))

    def switch(self, action: str, at: datetime) -> None:
        """Stop, start, pause, suspend, rebuild, ...: 8 s."""
        busy, then = _SWITCHES[action]
        self._step(at, self.now.vm_state, busy)
        end = self._after(at, SWITCH)
        self._step(end, then, launched_at=end if action in LAUNCHING else None)
        self._action(action, at, end)

    def switch_in_vain(self, action: str, at: datetime) -> None:
        """The same, but it fails: the server stays what it was."""
        busy, _ = _SWITCHES[action]
        self._step(at, self.now.vm_state, busy)
        end = self._after(at, SWITCH)
        self._step(end, self.now.vm_state)
        self._action(action, at, end, failed=True)

    def touch(self, at: datetime) -> None:
        """Its row is written again, and nothing says why: a periodic task, a label that somebody set."""
        self._step(at, self.now.vm_state, self.now.task_state)

    def lock(self, at: datetime) -> None:
        """Its row is written again, and an action says so."""
        self.touch(at)
        self._action("lock", at, at)

    def break_down(self, at: datetime) -> None:
        """An error after launch, without an action: the host was lost."""
        self._step(at, "error")

    def resize(self, at: datetime, flavor: str, confirm_after: timedelta) -> None:
        """To another flavor in 40 s, confirmed that much later; launched_at moves."""
        self.migrate(at, flavor)
        self.confirm(self.now.at + confirm_after - timedelta(seconds=2))

    def migrate(self, at: datetime, flavor: str) -> None:
        """The first half of a resize: it waits for a confirmation."""
        self._before_resize = self.now
        self._step(at, self.now.vm_state, "resize_prep")
        end = self._after(at, MOVE)
        self._step(end, "resized", flavor=flavor, launched_at=end)
        self._action("resize", at, end)

    def migrate_in_vain(self, at: datetime, *, breaks: bool) -> None:
        """A resize that fails; the server is as before, or in error."""
        before = self.now.vm_state
        self._step(at, before, "resize_prep")
        end = self._after(at, MOVE)
        self._step(end, "error" if breaks else before)
        self._action("resize", at, end, failed=True)

    def confirm(self, at: datetime) -> None:
        """It keeps the new flavor, and is on or off as before: 2 s."""
        end = self._after(at, 2)
        self._step(end, self._before_resize.vm_state if self._before_resize else "active")
        self._action("confirmResize", at, end)

    def revert(self, at: datetime) -> None:
        """It gets the old flavor back in 40 s, and is on or off as before."""
        if self._before_resize is None:
            raise ValueError(f"no resize to revert at {at}")
        self._step(at, self.now.vm_state, "resize_reverting")
        end = self._after(at, MOVE)
        self._step(end, self._before_resize.vm_state, flavor=self._before_resize.flavor)
        self._action("revertResize", at, end)

    def offload(self, at: datetime) -> None:
        """From shelved to shelved_offloaded."""
        end = self._after(at, SWITCH)
        self._step(end, "shelved_offloaded")
        self._action("shelveOffload", at, end)

    def shelve_away(self, at: datetime) -> None:
        """Shelved and offloaded at once, as Nova does unless it is told to wait: one action for both."""
        self._step(at, self.now.vm_state, "shelving")
        self._step(self._after(at, SWITCH), "shelved", "shelving_offloading")
        end = self._after(at, 2 * SWITCH)
        self._step(end, "shelved_offloaded")
        self._action("shelve", at, end)

    def unshelve(self, at: datetime) -> None:
        """Back to active in 40 s; launched_at moves."""
        self._step(at, self.now.vm_state, "unshelving")
        end = self._after(at, MOVE)
        self._step(end, "active", launched_at=end)
        self._action("unshelve", at, end)

    def soft_delete(self, at: datetime) -> None:
        """Deleted, and can be restored; Nova knows no name of its own for that action."""
        end = self._after(at, REMOVE)
        self._step(end, "soft-delete")
        self._action("delete", at, end)

    def delete(self, at: datetime) -> None:
        """Gone after 6 s."""
        self._step(at, self.now.vm_state, "deleting")
        end = self._after(at, REMOVE)
        self._step(end, "deleted")
        self._action("delete", at, end)

    def delete_stuck(self, at: datetime) -> None:
        """Deletion was asked for and never ends."""
        self._step(at, self.now.vm_state, "deleting")
        self.actions.append(Action("delete", at, None))

    def _step(
        self,
        at: datetime,
        vm_state: str,
        task_state: str | None = None,
        flavor: str | None = None,
        launched_at: datetime | None = None,
    ) -> None:
        if at < self.now.at:
            raise ValueError(f"{vm_state} at {at} comes before {self.now}")
        self.steps.append(
            Step(
                at,
                vm_state,
                task_state,
                flavor or self.now.flavor,
                launched_at or self.now.launched_at,
            )
        )

    def _action(self, name: str, start: datetime, finish: datetime, failed: bool = False) -> None:
        self.actions.append(Action(name, start, finish, failed))

    @staticmethod
    def _after(at: datetime, seconds: int) -> datetime:
        return at + timedelta(seconds=seconds)
