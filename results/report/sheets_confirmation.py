"""What fresh seeds say: the table of candidates, and one sentence for a whole run."""

from __future__ import annotations

from dataclasses import dataclass

from results.report import kinds
from results.report.format import several
from results.report.kinds import LABEL, Label, Place
from results.report.sheets import Column, Row, Sheet, chosen_by, marked, rows
from results.scores.confirmation_types import Confirmation, ConfirmedTrial, SeedTest, Told
from results.scores.types import BackboneSummary, Summary

BASELINE = "documented baseline"


@dataclass(frozen=True)
class Line:
    """A candidate of a backbone; None while there are none."""

    backbone: BackboneSummary
    confirmation: Confirmation
    candidate: ConfirmedTrial | None

    @property
    def is_last_word(self) -> bool:
        """Whether the backbone's verdict stands in this line: the winner's, or its only one."""
        return self.candidate is None or self.candidate.trial == self._speaker

    @property
    def _speaker(self) -> str:
        return self.confirmation.winner or self.confirmation.trials[0].trial

    @property
    def label(self) -> Label:
        name = self.backbone.name
        return Label(self.candidate.trial if self.candidate else name, name)

    @property
    def role(self) -> str:
        if self.candidate is None:
            return ""
        is_baseline = self.candidate.trial == self.backbone.baseline.trial
        role = BASELINE if is_baseline else "searched"
        return f"{role}, winner" if self.candidate.trial == self.confirmation.winner else role

    @property
    def test(self) -> SeedTest | None:
        return self.confirmation.test if self.is_last_word else None

    @property
    def mcnemar_p(self) -> float | None:
        gain = self.backbone.gain
        return gain.pair.test.p if self.test and gain and gain.pair else None

    @property
    def verdict(self) -> str | None:
        return (self.confirmation.outcome or "not confirmed") if self.is_last_word else None

    @property
    def reason(self) -> str | None:
        return self.confirmation.reason if self.is_last_word else None

    @property
    def adjusted_p(self) -> float | None:
        return self.confirmation.adjusted_p if self.test else None

    @property
    def told_alone(self) -> str:
        """The verdict; where there is none, why."""
        reason = "" if self.confirmation.outcome or not self.is_last_word else f" ({self.reason})"
        return f"{self.verdict or ''}{reason}"

    @property
    def told(self) -> str:
        """Role and verdict in one cell; a verdict's reason is in the CSV file."""
        return ": ".join(filter(None, (self.role, self.told_alone)))

    @property
    def where(self) -> Place:
        """Candidates that lost are not in the terminal."""
        is_baseline = self.role.startswith(BASELINE)
        return Place.ALL if self.is_last_word or is_baseline else Place.PAGE | Place.CSV


COLUMNS = (
    Column("backbone", value="backbone.name"),
    Column("trial", value="candidate.trial"),
    Column("label", "candidate", LABEL, where=Place.SHOWN),
    Column("told", "and verdict", under="label", where=Place.TERMINAL),
    Column(
        "told_alone", "verdict", kinds.TOLD, lambda line: line.told_alone or None, where=Place.PAGE
    ),
    Column("role", "role", where=Place.PAGE | Place.CSV),
    Column("seeds", value="confirmation.seeds"),
    Column("completed", "seeds", kinds.COUNT, "candidate.completed", where=Place.PAGE | Place.CSV),
    Column(
        "validation",
        "validation %",
        kinds.SPREAD,
        "candidate.validation",
        "val %",
        where=Place.SHOWN,
    ),
    Column("validation_mean", value="candidate.validation.mean"),
    Column("validation_deviation", value="candidate.validation.deviation"),
    Column("test", "test %", kinds.SPREAD, "candidate.test", under="validation", where=Place.SHOWN),
    Column("test_mean", value="candidate.test.mean"),
    Column("test_deviation", value="candidate.test.deviation"),
    Column("difference", "difference", kinds.POINTS, "test.difference", "diff"),
    Column(
        "interval",
        "95 % interval",
        kinds.DIFFERENCE,
        "test.interval",
        "95 %",
        "difference",
        Place.SHOWN,
    ),
    Column("low", value="test.interval.low"),
    Column("high", value="test.interval.high"),
    Column("p", value="test.p"),
    Column("adjusted_p", "p, adjusted", kinds.P_VALUE, "adjusted_p", "p"),
    Column("mcnemar_p"),
    Column(
        "photos",
        "photos to tell",
        kinds.PHOTOS_TO_TELL,
        "test",
        "photos\nto tell",
        where=Place.SHOWN,
    ),
    Column("photos_to_tell", value="test.photos"),
    Column("verdict"),
    Column("reason"),
)


def lines_of(summary: Summary) -> list[Line]:
    """A line per candidate, or one for a backbone that has none yet; empty without any."""
    return [
        Line(backbone, confirmation, candidate)
        for backbone in summary.backbones
        if (confirmation := backbone.confirmation) is not None
        for candidate in confirmation.trials or (None,)
    ]


def confirmed(summary: Summary) -> Sheet:
    """Each backbone's candidates on the fresh seeds, the winner in bold; empty without any."""
    shown: list[Row] = []
    for line in lines_of(summary):
        candidate = line.candidate
        wins = candidate is not None and candidate.trial == line.confirmation.winner
        shown += rows(COLUMNS, [line], "strong" if wins else "", line.where)
    return Sheet(
        "confirmed",
        marked(summary, "Confirmed on fresh seeds"),
        COLUMNS,
        tuple(shown),
        f"Mean ± deviation over seeds; the winner has the best mean by {chosen_by(summary)}. "
        "Difference: winner minus baseline on test, in percentage points of accuracy, with a 95 % "
        "interval over photos and seeds. p: adjusted for the backbones compared (Holm), below "
        "0.05 for better or worse. "
        "Photos to tell: test photos with which a difference of this size would show if this were "
        "the only backbone compared.",
    )


def in_a_sentence(summary: Summary) -> str:
    """What fresh seeds say of the whole run; empty where nothing was searched."""
    found = [one.confirmation for one in summary.backbones if one.confirmation is not None]
    if not found:
        searched = any(row.number > 0 for row in summary.rows)
        luck = "the best of many trials on one seed is partly luck (--confirm 0)"
        return f"Not confirmed on fresh seeds: {luck}." if searched else ""
    told = [one for one in found if one.outcome is not None]
    if not told:
        return f"Not confirmed: {'; '.join(dict.fromkeys(one.reason for one in found))}."
    better, worse = (
        sum(one.outcome is outcome for one in told) for outcome in (Told.BETTER, Told.WORSE)
    )
    seeds, alone = several(found[0].seeds, "fresh seed"), len(found) == 1
    if better:
        on = "" if alone else f" on {better} of {len(found)} backbones"
        sentence = f"Better than the documented baseline{on}, confirmed on {seeds}"
    elif worse and alone:
        return f"Worse than the documented baseline on {seeds}."
    else:
        on = "" if alone else f" on any of {len(found)} backbones"
        sentence = f"Not shown to be better than the documented baseline{on}, on {seeds}"
    more = [f"worse on {worse}"] * (worse > 0)
    more += [f"{len(found) - len(told)} not confirmed"] * (len(told) < len(found))
    return f"{'; '.join([sentence, *more])}."
