"""The durable record of runs: a file of SQLite, to which events are appended before they are acted on."""

from superscalar.journal.file import Journal
from superscalar.journal.log import RunLog
from superscalar.journal.runs import Recorded, RunState, RunSummary
from superscalar.journal.tidying import Tidied

__all__ = ["Journal", "Recorded", "RunLog", "RunState", "RunSummary", "Tidied"]
