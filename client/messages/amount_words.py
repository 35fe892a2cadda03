"""How much of something, in words: counts with their noun, durations, money, bytes."""

from datetime import timedelta


def amount(count: int, noun: str) -> str:
    """Return a number of things: `1 step`, `2 steps`."""
    return f"{count} {noun if count == 1 else noun + 's'}"


def plural(count: int, one: str, many: str) -> str:
    """Return a count with its noun."""
    return f"{count} {one if count == 1 else many}"


def counted(count: int, noun: str) -> str:
    """Return a number of things that may be many: `1 blob`, `12,345 blobs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def span(duration: timedelta) -> str:
    """Return a duration for people: `0.4 s`, `12 s`, `3 m 05 s`, `2 h 10 m`."""
    seconds = max(duration.total_seconds(), 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def money(usd: float) -> str:
    """Return an amount in dollars."""
    return f"${usd:.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.4f}"


def size(count: int) -> str:
    """Return bytes as people read them."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the last unit takes all")


def folder_size(total: str, files: int) -> str:
    """Say how much is in a folder."""
    return f"{total} in {files} {'file' if files == 1 else 'files'}"
