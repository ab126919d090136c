"""The layout of the counts of one worker: what is counted, and how much memory it takes.

It is apart from `service.telemetry.counters`, because the process that makes this memory has not imported
NumPy.
"""

from __future__ import annotations

from http import HTTPStatus

from service.admission import MOST_PREDICTIONS_AT_ONCE

# The upper ends of the histogram's buckets, in seconds: from a small compiled model to a client's timeout.
BUCKETS_S = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
# The upper ends of the buckets for the rows of a request that was answered.
BUCKETS_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
# A region has room for 64 routes; the application has fewer. Any further path is counted as OTHER.
MOST_ROUTES = 64
OTHER = "other"
# A row holds the buckets, one more bucket for longer durations, the sum of durations, the rows predicted, the
# buckets of rows with one more for larger requests, and the answers of the fast path by route, which all have
# the status 200.
DURATION_NS_AT = len(BUCKETS_S) + 1
PREDICTED_AT = DURATION_NS_AT + 1
SIZES_AT = PREDICTED_AT + 1
ANSWERED_AT = SIZES_AT + len(BUCKETS_ROWS) + 1
ROW_LENGTH = ANSWERED_AT + MOST_ROUTES + 1

# Why requests for predictions are refused: problems of fields, codes of errors; others count as the first.
REASONS = (
    *("invalid_input", "missing", "unknown", "repeated", "not_an_object", "not_a_number", "not_finite"),
    *("too_large", "not_an_integer", "not_a_text", "not_a_boolean", "not_a_date", "not_a_value", "ambiguous"),
    *("unknown_category", "refused_by_model", "invalid_json", "not_computable", "unsupported_media_type"),
    *("body_too_large", "busy", "incomplete_body", "body_too_slow", "length_required", "too_many_rows"),
    *("unauthorized", "forbidden", "misdirected_request", "deadline_exceeded"),
)
STATUSES = tuple(int(status) for status in HTTPStatus)

# A process id, a byte for each slot, a row for each slot and one more, statuses by route, and reasons.
_NUMBERS = 1 + (MOST_PREDICTIONS_AT_ONCE + 1) * ROW_LENGTH + (MOST_ROUTES + 1) * len(STATUSES) + len(REASONS)
REGION_BYTES = 8 * _NUMBERS + MOST_PREDICTIONS_AT_ONCE
