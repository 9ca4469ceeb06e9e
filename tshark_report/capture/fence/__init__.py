"""The fence around tshark: what a dissector that a packet has taken over could still reach.

bubblewrap, or else unshare, gives a process no network, nothing to write to but the scratch folder and no sight of
other processes; bubblewrap also hides every file that is not part of the system or named in the command. setpriv takes
root's identity away, `ulimit` bounds memory, processor time and file size. What a system does not permit is left out,
part by part, and `tshark-report doctor` says which parts hold. A start behind the whole fence costs about 10 ms.
"""

from __future__ import annotations

from tshark_report.capture.fence.access import plain_bytes, without_links
from tshark_report.capture.fence.building import wrapped
from tshark_report.capture.fence.offered import OFF, SWITCH, of_program
from tshark_report.capture.fence.parts import SCRATCH, Fence, advice, nobody, on_this_system
from tshark_report.capture.fence.starting import code, command, launcher, readable

__all__ = [
    "OFF",
    "SCRATCH",
    "SWITCH",
    "Fence",
    "advice",
    "code",
    "command",
    "launcher",
    "nobody",
    "of_program",
    "on_this_system",
    "plain_bytes",
    "readable",
    "without_links",
    "wrapped",
]
