"""Both control programs on both daemons: four combinations, of which the originals among themselves are the measure."""
from .box import Box
from .parity import both, explain, normalised
from .programs import REFERENCE


class Across:
    """One control program on one daemon."""

    def __init__(self, daemon, controller):
        self.daemon = daemon
        self.box = daemon.box
        self.program = controller.supervisorctl
        self.name = f"{controller} on the daemon of {daemon.suite}"

    def ctl(self, *words, **options):
        return self.daemon.ctl(*words, program=self.program, **options)


def compare(crossings, results, prepare=lambda value: value):
    """Every result, normalised, is the one of the first of `crossings`. Returns that."""
    first, *others = [prepare(normalised(result, crossing.box)) for crossing, result in zip(crossings, results)]
    wrong = [f"{crossing.name}: {explain(first, other)}"
             for crossing, other in zip(crossings[1:], others) if other != first]
    assert not wrong, "\n\n".join(wrong)
    return first


def across(pair):
    """The four crossings over two daemons that are started already."""
    return [Across(daemon, controller) for daemon in pair.daemons for controller in (REFERENCE, pair.boxes[1].suite)]


class Quartet:
    """Four daemons, one per combination, for sessions that change them."""

    def __init__(self, suite):
        self.combinations = [(REFERENCE, REFERENCE), (REFERENCE, suite), (suite, REFERENCE), (suite, suite)]
        self.boxes = [Box(daemon) for daemon, _ in self.combinations]

    def same(self, session, programs="", prepare=lambda value: value, **options):
        """session(crossing) tells the same of all four. In `programs` and in options @ stands for the box's folder."""
        def fill(value, box):
            return value.replace("@", box.folder) if isinstance(value, str) else value

        def run(box, combination):
            daemon = box.daemon(fill(programs, box), **{name: fill(value, box) for name, value in options.items()})
            crossing = Across(daemon, combination[1])
            return crossing, session(crossing)
        ended = both(lambda column: run(*column), *zip(self.boxes, self.combinations))
        return compare([crossing for crossing, _ in ended], [result for _, result in ended], prepare)

    def close(self):
        for box in self.boxes:
            box.close()
