from __future__ import annotations

from infer_cli.engine.image_sizes import Part, layers_of


def test_layers_of_the_classic_builder_are_named_by_their_content() -> None:
    history = [
        ("/bin/sh -c #(nop)  LABEL a=b", 0),
        ("/bin/sh -c #(nop) COPY dir:4 in /", 7),
        ("python3 finish_image.py service code", 5),
        ("/bin/sh -c #(nop) COPY dir:3 in /", 0),
        ("/bin/sh -c #(nop) COPY dir:2 in /", 4),
        ("/bin/sh -c #(nop) COPY dir:1 in /", 3),
        ("/bin/sh -c #(nop) ADD file:0 in /", 2),
        ("", 1),
    ]

    assert layers_of(history) == (
        Part("the base image", 1),
        Part("ADD packages.tar", 2),
        Part("COPY finish/", 3),
        Part("COPY service/", 4),
        Part("python3 finish_image.py service code", 5),
        Part("COPY model/", 7),
    )


def test_the_names_of_other_builders_are_kept() -> None:
    assert layers_of([("COPY service/ / # buildkit", 1)]) == (Part("COPY service/ / # buildkit", 1),)
