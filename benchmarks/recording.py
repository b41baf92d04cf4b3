"""The recording server of the tests, for benchmarks: it shares no code with the package."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "integration_tests"))

from recorder import Recorder, decoded_texts, normalized, recorded_requests, recording_server

__all__ = ["Recorder", "decoded_texts", "normalized", "recorded_requests", "recording_server"]
