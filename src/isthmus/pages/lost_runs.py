"""The runs of a study that have no result: those that failed for the same reason are told together."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.run_files.findings import Finding, Findings


@dataclass(frozen=True)
class LostRuns:
    """Runs without a result. seeds: of each variation that has such runs. error: why they failed; empty if unknown."""

    status: str
    error: str
    seeds: dict[str, list[int]]

    @property
    def count(self) -> int:
        return sum(map(len, self.seeds.values()))

    @property
    def names(self) -> str:
        """Such as `narrow, seed 0` or `narrow, seeds 0, 1; wide, seed 0`."""
        return "; ".join(
            f"{name}, seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
            for name, seeds in self.seeds.items()
        )

    @property
    def sentence(self) -> str:
        """Of runs that failed: the same as their findings, for all at once."""
        return f"{self.names}, failed: {self.error}"


def lost_runs(findings: Findings) -> list[LostRuns]:
    """Every run without a result; those with the same reason together, in the order of the first of them."""
    found: dict[tuple[str, str], LostRuns] = {}
    for variation in findings.variations:
        for run in variation.runs:
            if run.status != "done":
                key = run.status, run.error or ""
                group = found.setdefault(key, LostRuns(*key, {}))
                group.seeds.setdefault(variation.name, []).append(run.seed)
    return list(found.values())


def failures_together(findings: Findings) -> list[Finding]:
    """The findings, with one for all runs that failed for the same reason: a reader needs the reason once."""
    groups = {
        f"{name}, seed {seed}, failed: {lost.error}": lost
        for lost in lost_runs(findings)
        for name, seeds in lost.seeds.items()
        for seed in seeds
    }
    said: dict[str, Finding] = {}
    for place, one in enumerate(findings.findings):
        lost = groups.get(one.sentence) if one.kind == "failure" else None
        if lost is None:
            said[f"{place}"] = one
        else:
            said.setdefault(lost.sentence, one.model_copy(update={"sentence": lost.sentence}))
    return list(said.values())
