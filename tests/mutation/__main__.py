"""``python -m tests.mutation [MUTANT...]``: does a test fail for each small change of what makes the numbers?

Without names, all mutants of caso/accounting and caso/lifecycle; with names, as mutmut has them
(``caso.accounting.rules*``), those of its mutants alone. Exits with 1 where one lives that equivalent.txt does not list.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.mutation import outside, plain, survivors

ROOT = Path(__file__).parents[2]
COPY = ROOT / "build" / "mutants"
ENGINE = Path(__file__).with_name("engine.py")
LISTED = Path(__file__).with_name("equivalent.txt")
COPIED = ("caso", "tests", ".ci")


def main(names: list[str]) -> int:
    chosen = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    modules = sorted({path.relative_to(ROOT) for pattern in chosen["only_mutate"] for path in ROOT.glob(pattern)})
    _copy(modules)
    os.chdir(COPY)
    # Where a test tries examples, the same ones for each mutant, and the same ones tomorrow.
    os.environ["CI"] = "1"
    engine = [sys.executable, str(ENGINE), "run", "--max-children", str(len(os.sched_getaffinity(0))), *names]
    if subprocess.run(engine, check=False).returncode != 0:
        return 2
    found = set(survivors.of_mutmut())
    made = sum(status != "not checked" for _, status, _ in survivors.results())
    if not names:
        others = [mutant for path in modules for mutant in outside.mutants(path)]
        print(f"{len(others)} mutants outside functions")
        alive = outside.survivors(others, chosen["pytest_add_cli_args_test_selection"])
        found |= {survivors.of_code(*mutant) for mutant in alive}
        made += len(others)
    return _judge(made, found, survivors.read(LISTED.read_text(encoding="utf-8")), complete=not names)


def _copy(modules: list[Path]) -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, COPY)
    for path in modules:
        (COPY / path).write_text(plain.with_plain_properties((ROOT / path).read_text(encoding="utf-8")), encoding="utf-8")


def _judge(made: int, found: set[survivors.Survivor], listed: dict[survivors.Survivor, str], *, complete: bool) -> int:
    new = sorted(found - listed.keys())
    for survivor in new:
        print(survivor, end="\n\n")
    killed = sorted(listed.keys() - found) if complete else []
    for survivor in killed:
        print(f"listed, and killed or gone:\n{survivor}\n")
    print(f"{made} mutants; {len(found)} live, of which {len(new)} are not listed in {LISTED.relative_to(ROOT)}")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
