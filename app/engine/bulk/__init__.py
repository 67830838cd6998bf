"""Work on many records at once: what may be done, to which records, tried first, then carried out.

What is little is done in the request; what is more, by a job. Either way it is one change set.
"""

from app.engine.bulk.acts import Act, act_of, editable, offered
from app.engine.bulk.duplicates import MergeDuplicates, compared
from app.engine.bulk.edit import Edit, edit_from
from app.engine.bulk.order import AT_ONCE, Order
from app.engine.bulk.preview import Preview, preview
from app.engine.bulk.running import BULK, Runner, ask, run_now
from app.engine.bulk.selection import Selection
from app.engine.bulk.tally import Tally, said

__all__ = [
    "AT_ONCE", "BULK", "Act", "Edit", "MergeDuplicates", "Order", "Preview", "Runner",
    "Selection", "Tally", "act_of", "ask", "compared", "edit_from", "editable", "offered",
    "preview", "run_now", "said",
]  # fmt: skip
