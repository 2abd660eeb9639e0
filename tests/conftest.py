"""Makes the helpers of this folder (`mock_file`, `fake_chunks`) importable from all tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
