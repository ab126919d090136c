from __future__ import annotations

import pytest

from infer_cli.engine.events import Event, Layer, Line, Step, StreamFailed, StreamResult, read_stream

DIGEST = "sha256:" + 32 * "ab"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            {"stream": "Step 2/14 : COPY finish/ /"}, [Step(2, 14, "COPY finish/ /")], id="an instruction"
        ),
        pytest.param(
            {"stream": "Step 1/2 : ENV A=1 \\\n    B=2\n"},
            [Step(1, 2, "ENV A=1 \\\n    B=2")],
            id="an instruction of several lines",
        ),
        pytest.param({"stream": "\n"}, [], id="an empty line"),
        pytest.param({"stream": "one\ntwo\n"}, [Line("one"), Line("two")], id="two lines"),
        pytest.param({"stream": " ---> Using cache\n"}, [Line(" ---> Using cache")], id="a cached layer"),
        pytest.param(
            {"stream": "see Step 1/2 : x"}, [Line("see Step 1/2 : x")], id="a line that mentions a step"
        ),
        pytest.param({"status": "Waiting", "id": "abc"}, [Layer("abc", "Waiting")], id="a layer that waits"),
        pytest.param(
            {"status": "Pushing", "id": "abc", "progressDetail": {"current": 5, "total": 10}},
            [Layer("abc", "Pushing", 5, 10)],
            id="a layer with sizes",
        ),
        pytest.param(
            {"status": "Pushing", "id": "abc", "progressDetail": {"current": 5}},
            [Layer("abc", "Pushing", 5, 0)],
            id="a layer of unknown size",
        ),
        pytest.param(
            {"status": "Pushing", "id": "abc", "progressDetail": None},
            [Layer("abc", "Pushing")],
            id="a layer without details",
        ),
        pytest.param(
            {"status": "Pulling from iris"}, [Line("Pulling from iris")], id="a status without a layer"
        ),
        pytest.param({"aux": {"ID": "sha256:0"}}, [], id="an image's id"),
        pytest.param({"unheard": "of"}, [], id="an unknown event"),
    ],
)
def test_an_event_is_parsed(event: dict[str, object], expected: list[Event]) -> None:
    seen: list[Event] = []

    read_stream([event], seen.append)

    assert seen == expected


@pytest.mark.parametrize(
    ("event", "text"),
    [
        pytest.param(
            {"error": "no space left\n", "errorDetail": {"message": "x"}}, "no space left", id="both"
        ),
        pytest.param({"errorDetail": {"code": 1, "message": "denied"}}, "denied", id="only the detail"),
        pytest.param({"error": "denied"}, "denied", id="only the error"),
        pytest.param({"errorDetail": None}, "unknown error", id="no text"),
    ],
)
def test_no_event_after_an_error_is_passed_on(event: dict[str, object], text: str) -> None:
    seen: list[Event] = []

    with pytest.raises(StreamFailed, match=f"^{text}$"):
        read_stream([{"stream": "before"}, event, {"stream": "after"}], seen.append)

    assert seen == [Line("before")]


def test_the_digest_of_a_push_is_kept() -> None:
    events: list[dict[str, object]] = [
        {"status": "v1: digest: …"},
        {"progressDetail": {}, "aux": {"Tag": "v1", "Digest": DIGEST, "Size": 528}},
        {"aux": {"ID": "sha256:0"}},
        {"aux": None},
    ]

    result = read_stream(events, lambda _: None)

    assert result.digest == DIGEST


def test_the_images_made_before_an_error_are_known() -> None:
    result = StreamResult()
    events = [
        {"stream": "Step 1/3 : FROM base"},
        {"stream": " ---> aaaaaaaaaaaa\n"},
        {"stream": "Step 2/3 : COPY service/ /"},
        {"stream": " ---> bbbbbbbbbbbb\n"},
        {"stream": "Step 3/3 : RUN x"},
        {"stream": " ---> Running in cccccccccccc\n"},
        {"error": "it failed"},
    ]

    with pytest.raises(StreamFailed):
        read_stream(events, lambda _: None, result)

    assert result == StreamResult(step=Step(3, 3, "RUN x"), image="bbbbbbbbbbbb", step_has_ended=False)


def test_an_instruction_with_an_image_has_ended() -> None:
    events = [{"stream": "Step 1/1 : FROM base"}, {"stream": " ---> aaaaaaaaaaaa\n"}]

    result = read_stream(events, lambda _: None)

    assert result.step_has_ended
