"""Programs beside the one that is in trouble, which must notice nothing of it."""
from .waiting import eventually

TICKER = """import os, time
number = 0
while True:
    os.write(1, b'%07d\\n' % number)
    number += 1
    time.sleep(0.005)
"""


def config(box):
    return (f"[program:other]\ncommand={box.python('other', TICKER)}\nstdout_logfile={box}/other.log\n"
            "stdout_logfile_maxbytes=0\n[program:still]\ncommand=sleep 600\n")


class Bystanders:
    def __init__(self, daemon):
        self.daemon = daemon
        self.pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in ("other", "still")}

    def check(self):
        """Both are the processes that they were, the log of one is whole and grows, and status answers."""
        box, daemon = self.daemon.box, self.daemon
        size = len(box.bytes("other.log"))
        eventually(lambda: len(box.bytes("other.log")) > size + 80, what="more of the other one's output")
        content = box.bytes("other.log")
        assert content == b"".join(b"%07d\n" % i for i in range(len(content) // 8))
        found = {info["name"]: info for info in daemon.rpc.getAllProcessInfo()}
        assert {name: found[name]["pid"] for name in self.pids} == self.pids
        assert {found[name]["statename"] for name in self.pids} == {"RUNNING"}
