#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""reaper.py PROGRAM [ARGUMENT...]: runs it, and is the parent that its orphans come to.

libvirtd starts QEMU as a daemon and waits until its process is gone. In a container whose first
process does not collect the dead at once that takes 15 s and more for each, which is neither
libvirt's doing nor what its users see.
"""
import ctypes
import os
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
child = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
while True:
    pid, status = os.wait()
    if pid == child.pid:
        sys.exit(os.waitstatus_to_exitcode(status) & 0x7f)
