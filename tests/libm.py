"""Whether the C library's functions use fused multiply-add, as far as Python can see."""

import hashlib
import math
import os
import subprocess
from pathlib import Path

WITHOUT = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable,-AVX512F"
"""GLIBC_TUNABLES for a process that is to do without."""
_LOADER = "/lib64/ld-linux-x86-64.so.2"


def digest():
    """Return a hash of 60,000 exponentials, sines and cosines, some of which come out otherwise without fused multiply-add."""
    values = (f(0.001 * k).hex() for f in (math.exp, math.sin, math.cos) for k in range(1, 20_001))
    return hashlib.sha256(" ".join(values).encode()).hexdigest()


def why_not():
    """Return why the setting can change nothing here; empty where it has to."""
    processor = Path("/proc/cpuinfo")
    if not processor.exists() or " fma " not in processor.read_text():
        return "the processor has no fused multiply-add"
    if not Path(_LOADER).exists() or not os.confstr("CS_GNU_LIBC_VERSION"):
        return "the C library is not that of GNU"
    listed = subprocess.run([_LOADER, "--list-tunables"], capture_output=True, text=True, check=False).stdout
    return "" if "glibc.cpu.hwcaps" in listed else "the C library has no such tunable"
