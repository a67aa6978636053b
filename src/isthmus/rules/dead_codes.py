"""Are the codes of a codebook in use?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms

_SHARE = 0.25


class DeadCodes:
    """The perplexity of the codes over test images is below a quarter of their number."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        codes = symptoms.summary["latent"].get("codes")
        if codes is None or codes["perplexity"] >= _SHARE * codes["count"]:
            return None
        revive = "raise bottleneck.revive, " if symptoms.option("bottleneck.revive") is not None else ""
        return Diagnosis(
            "dead_codes",
            "warning",
            f"Its {codes['count']:,} codes are used like {codes['perplexity']:,.0f} equally frequent ones; "
            f"{100 - 100 * codes['used']:.0f} % are never used.",
            as_sentence(
                f"{revive}train longer, have fewer codes, or set bottleneck.kind=fsq, which has no codebook to learn"
            ),
            {"perplexity": codes["perplexity"], "codes": codes["count"]},
        )
