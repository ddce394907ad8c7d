"""Nothing that comes from elsewhere can be run: caso has no words for it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import caso

RUN_BY_IMPORT = {"pickle", "cPickle", "dill", "marshal", "shelve", "subprocess", "pty", "commands", "code", "codeop", "runpy"}
RUN_BY_NAME = {"eval", "exec", "compile", "__import__"}
RUN_BY_OS = {"system", "popen", "fork", "forkpty", "startfile"}
CASO = Path(caso.__file__).parent
# The contracts for authors of plug-ins start processes of their own, and are in no command.
SOURCES = sorted({*CASO.rglob("*.py")} - {*(CASO / "testing").rglob("*.py")})


def what_runs(source: str) -> Iterator[str]:
    """Each place where a text could become a program."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] in RUN_BY_IMPORT)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in RUN_BY_IMPORT:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in RUN_BY_NAME:
                yield name
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in RUN_BY_OS or name.startswith(("exec", "spawn")):
                yield f"os.{name}"
            case ast.keyword(arg="shell"):
                yield "shell"


def test_no_module_of_caso_can_run_a_text_or_unpickle_it_or_call_a_shell():
    found = {str(path.relative_to(CASO)): list(what_runs(path.read_text(encoding="utf-8"))) for path in SOURCES}

    assert len(found) > 100
    assert {name: words for name, words in found.items() if words} == {}


def test_what_would_run_a_text_is_seen():
    source = "import pickle\nfrom subprocess import run\neval('1')\nos.system('ls')\nos.execv('a', [])\nrun('ls', shell=True)\n"

    assert sorted(what_runs(source)) == ["eval", "os.execv", "os.system", "pickle", "shell", "subprocess"]
