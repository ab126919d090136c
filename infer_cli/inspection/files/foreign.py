"""Files that people take for a model of theirs, and what to do with each."""

from __future__ import annotations

import codecs
import re

from infer_cli.inspection.files.refusal import Refused

# How much of a file's start is looked at.
START_BYTES = 1024
_FROM_PYTHON = "Load it in Python, and save the scikit-learn object with joblib.dump(model, 'model.joblib')."
_SAVE = "Name the file that joblib.dump or pickle.dump wrote."
_KERAS = "infer serves scikit-learn models, and others that are saved as .onnx: convert it with tf2onnx."
_TORCH = "infer serves scikit-learn models, and others that are saved as .onnx: export it with torch.onnx."

# By their first bytes, none of which a pickle starts with.
_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file, such as Keras writes", _KERAS),
    (b"\x93NUMPY", "is a NumPy array, not a model", _FROM_PYTHON),
    (b"ZF", "was saved by joblib 0.9 or older", "Load it with that joblib, and save it with a current one."),
    (b"PAR1", "is a Parquet file: data, not a model", _FROM_PYTHON),
    (b"CBM1", "is a CatBoost model in CatBoost's own format", _FROM_PYTHON),
    (b"{L\0\0\0\0\0\0\0\x07learner", "is an XGBoost model in XGBoost's own format", _FROM_PYTHON),
    (b"GGUF", "is a GGUF file: a language model", "infer serves scikit-learn models."),
    (b"SQLite format 3\0", "is an SQLite database, not a model", _FROM_PYTHON),
    (b"%PDF", "is a PDF document, not a model", _FROM_PYTHON),
    (b"\x7fELF", "is a program, not a model", _FROM_PYTHON),
)
_TEXTS: tuple[tuple[str, str, str | None], ...] = (
    (r"version https://git-lfs", "is a Git LFS pointer: the model itself was not downloaded", "git lfs pull"),
    (r"outs:\n- (md5|hash|size)", "is a DVC pointer: the model itself was not downloaded", "dvc pull"),
    (r"tree\nversion=v", "is a LightGBM model in LightGBM's own format", _FROM_PYTHON),
    (r'\s*\{\s*"learner"', "is an XGBoost model in XGBoost's own format", _FROM_PYTHON),
    (
        r"(?i)\s*<(!doctype html|html|head)",
        "is a web page, perhaps of a failed download",
        "Download it again.",
    ),
    (r"\s*<(\?xml|PMML)", "is an XML file, not a pickled model", _FROM_PYTHON),
    (r"\s*[{[]", "looks like JSON, not a pickled model", _FROM_PYTHON),
    (r"(#!|#.*\n|\"\"\"|(import|from) [\w.]+|def |class \w+)", "looks like source code, not a model", None),
    (r"[^\n,;\t]*([,;\t][^\n,;\t]*)+\r?\n", "looks like a CSV file: data, not a model", None),
)
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
# How objects start in protocol 0, which is text as well; the file may end there.
_PROTOCOL_0 = re.compile(r"c[\w.]*(\Z|\n[\w.]*(\Z|\n))|\(")


def refuse_foreign(start: bytes) -> None:
    """Refuse a file that is of another format by its first bytes."""
    if not start:
        reason = "is empty"
        raise Refused(reason, hint="Save the model again; was the disk full?")
    for magic, reason, hint in _BINARY:
        if start.startswith(magic):
            raise Refused(reason, hint=hint)
    if start[257:262] == b"ustar":
        reason = "is a tar archive"
        raise Refused(reason, hint="Unpack it, and name the model inside.")


def clearer(refused: Refused, start: bytes) -> Refused:
    """Give a better reason for a refusal, if the file turns out to be a text."""
    text = _as_text(start)
    if text is None or _PROTOCOL_0.match(text):
        return refused
    for pattern, reason, hint in _TEXTS:
        if re.match(pattern, text):
            return Refused(reason, hint=hint or _SAVE)
    return Refused(f"is a text, not a model: it starts with {text.strip()[:40]!r}", hint=_SAVE)


def _as_text(start: bytes) -> str | None:
    try:
        # The last character may be cut in two.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
