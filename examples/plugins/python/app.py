"""A plugin of local-ci in Python: a stage that finds a word where it should not be.

`wit/plugin.wit` is the contract, with every type in words. Here its names are in snake_case, and what a function cannot do it
raises: `Err` of a problem from what is exported, `Err` of a failure from what is imported.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.about import Capability, Info, Kind
from wit_world.imports import files, output
from wit_world.imports.types import Annotation, Context, Outcome, Problem, Severity, Span, Verdict

LARGE = 1024 * 1024


class About(exports.About):
    def describe(self) -> Info:
        """Called with nothing granted; its answer is always the same."""
        kind = Kind(
            name="words-python",
            summary="Fails where a file has the word in it",
            params=json.dumps({
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "word": {"type": "string", "minLength": 1, "description": "The word; without it, FIXME"},
                    "files": {"type": "string", "description": "Which files; without it, those in src"},
                },
            }),
            fixes=False,
            extra=[],
        )
        return Info(
            name="words-python",
            version="0.1.0",
            summary="Finds a word where it should not be",
            stages=[kind],
            parsers=[],
            expanders=[],
            events=[],
            config=None,
            needs=[Capability("files-read", "src/**", "to look for the word in the project's sources")],
            examples=json.dumps([
                {
                    "name": "finds the word",
                    "role": "stage",
                    "kind": "words-python",
                    "files": {"src/a.txt": "one\ntwo FIXME\n"},
                    "expect": {
                        "verdict": "failed",
                        "summary": "FIXME stands in 1 line",
                        "annotations": [{"severity": "error", "path": "src/a.txt", "line": 2}],
                    },
                },
                {
                    "name": "looks for another word where it is told to",
                    "role": "stage",
                    "kind": "words-python",
                    "params": {"word": "later"},
                    "files": {"src/a.txt": "FIXME\n"},
                    "expect": {"verdict": "passed", "annotations": []},
                },
            ]),
            extra=[],
        )


class Stage(exports.Stage):
    def run(self, kind: str, ctx: Context) -> Outcome:
        # What is raised and is no `Err` of a problem would end the plugin without a word.
        try:
            return look(json.loads(ctx.params))
        except Err as failure:
            raise Err(Problem("refused", str(failure.value), False, []))
        except Exception as error:
            raise Err(Problem("exception", f"{type(error).__name__}: {error}", False, []))


def look(params: dict) -> Outcome:
    word = params.get("word", "FIXME")
    count = 0
    for entry in files.glob(params.get("files", "src/**"), 10000):
        if entry.dir or entry.size > LARGE:
            continue
        lines = files.read(entry.path, 0, LARGE).decode(errors="replace").split("\n")
        found = [annotation(entry.path, at, word) for at, line in enumerate(lines, 1) if word in line]
        count += len(found)
        if found:
            output.annotate(found)
    if count == 0:
        return Outcome(Verdict.PASSED, None, [], [])
    summary = f"{word} stands in {count} {'line' if count == 1 else 'lines'}"
    return Outcome(Verdict.FAILED, summary, [], [])


def annotation(path: str, line: int, word: str) -> Annotation:
    at = Span(path, line, None, None, None)
    return Annotation(Severity.ERROR, f"{word} stands here", None, None, at, [])
