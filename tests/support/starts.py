"""A program that notes when it is started, and fails."""


def failing(box, name="failing"):
    """Fails with 3. A shell without children, so that the note is made at once on a busy machine, too."""
    return box.script(name, f"read up idle < /proc/uptime; echo $up >> {box}/starts; exit 3\n")


def start_times(box):
    """In seconds, to a hundredth."""
    return [float(line) for line in box.whole_lines("starts")]


def check_pauses(box, *pauses, late):
    """Between the starts there were these pauses, each at the most `late` seconds longer."""
    times = start_times(box)
    assert len(times) == len(pauses) + 1, times
    for earlier, later, pause in zip(times, times[1:], pauses):
        assert pause - 0.05 <= later - earlier < pause + late, times
