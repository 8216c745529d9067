"""The measurements of a build: the content of report.json, by topic."""

from tinycomp.report.record.accuracy import (
    AccuracyRecord,
    HistogramRecord,
    MetricRecord,
    OutputRecord,
)  # fmt: skip
from tinycomp.report.record.latency import (
    EstimateRecord,
    LatencyRecord,
    LayerLatency,
    TimeRecord,
)  # fmt: skip
from tinycomp.report.record.layer import ActivationRecord, LayerRecord
from tinycomp.report.record.memory import AreaRecord, BufferRecord, MemoryRecord, SpanRecord
from tinycomp.report.record.provenance import ProvenanceRecord
from tinycomp.report.record.read import FORMAT, REPORT_NAME, read_report, to_json
from tinycomp.report.record.report import (
    ModelRecord,
    PlainRecord,
    Report,
    StreamRecord,
    VerifyRecord,
)  # fmt: skip
from tinycomp.report.record.size import FlashRecord, RamRecord, RoomRecord
from tinycomp.report.record.step import OutputScore, StepRecord

__all__ = [
    "FORMAT",
    "REPORT_NAME",
    "AccuracyRecord",
    "ActivationRecord",
    "AreaRecord",
    "BufferRecord",
    "EstimateRecord",
    "FlashRecord",
    "HistogramRecord",
    "LatencyRecord",
    "LayerLatency",
    "LayerRecord",
    "MemoryRecord",
    "MetricRecord",
    "ModelRecord",
    "OutputRecord",
    "OutputScore",
    "PlainRecord",
    "ProvenanceRecord",
    "RamRecord",
    "Report",
    "RoomRecord",
    "SpanRecord",
    "StepRecord",
    "StreamRecord",
    "TimeRecord",
    "VerifyRecord",
    "read_report",
    "to_json",
]
