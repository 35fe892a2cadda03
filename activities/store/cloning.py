"""Reflinks: a second file that shares the first one's blocks until either is written (XFS, Btrfs, bcachefs).

Hard links would be as quick and are not used: a step that writes into its file would change the blob, as root even
one that is read-only. `copy_file_range` is no help either: every blob is hashed as it is read, so it passes through
our hands anyway.
"""

import errno
import fcntl
import sys

_FICLONE = 0x40049409
_CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ENOSYS})


def clone(source: int, target: int) -> bool:
    """Make the empty file `target` share the content of `source`; False where that cannot be. Raises OSError."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True
