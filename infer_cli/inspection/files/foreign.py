"""Files that are no model, such as data, source code and other formats: what each is, and what to do."""

from __future__ import annotations

import codecs
import re

from infer_cli.inspection.files.refusal import Refused

# How many bytes of a file are looked at to tell its format.
START_BYTES = 1024
_FROM_PYTHON = "Load it in Python, and save the scikit-learn object with joblib.dump(model, 'model.joblib')."
_SAVE = "Name the file that joblib.dump or pickle.dump wrote."
_KERAS = "infer serves scikit-learn models, and others that are saved as .onnx: convert it with tf2onnx."
_TORCH = "infer serves scikit-learn models, and others that are saved as .onnx: export it with torch.onnx."

# Binary formats by their first bytes: no pickle starts with any of them. Then what the file is, and a hint.
_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file, such as Keras writes", _KERAS),
    (b"\x93NUMPY", "is a NumPy array, not a model", _FROM_PYTHON),
    (b"ZF", "was saved by joblib 0.9 or older", "Load it with that joblib, and save it with a current one."),
    (b"PAR1", "is a Parquet file: data, not a model", _FROM_PYTHON),
    (b"GGUF", "is a GGUF file: a language model", "infer serves scikit-learn models."),
    (b"SQLite format 3\0", "is an SQLite database, not a model", _FROM_PYTHON),
    (b"%PDF", "is a PDF document, not a model", _FROM_PYTHON),
    (b"\x7fELF", "is a program, not a model", _FROM_PYTHON),
)
# The binary format of XGBoost 1 and 2: the objective and the booster, with their lengths.
_OLD_XGBOOST = re.compile(
    rb"[\x08-\x1f]\0{7}(binary|count|multi|rank|reg|survival):\w+[\x04-\x08]\0{7}(gbtree|gblinear|dart)"
)
_RESAVE = (
    'Save it again with the XGBoost that wrote it: python -c "import sys, xgboost; '
    "booster = xgboost.Booster(); booster.load_model(sys.argv[1]); booster.save_model('model.ubj')\" MODEL"
)
# Text formats by a regular expression for their start. Then what the file is, and a hint if `_SAVE` is not
# enough.
_TEXT_FORMATS: tuple[tuple[str, str, str | None], ...] = (
    (r"version https://git-lfs", "is a Git LFS pointer: the model itself was not downloaded", "git lfs pull"),
    (r"outs:\n- (md5|hash|size)", "is a DVC pointer: the model itself was not downloaded", "dvc pull"),
    (
        r'\s*\{\s*"name"\s*:\s*"tree"',
        "is what LightGBM's dump_model gives, from which no model can be loaded",
        "Save the model with booster.save_model('model.txt').",
    ),
    (
        r'\s*\[\s*\{\s*"nodeid"',
        "is what XGBoost's dump_model writes, from which no model can be loaded",
        "Save the model with booster.save_model('model.ubj').",
    ),
    (
        r'\s*\{\s*"(ctr_data|features_info|float_features|oblivious_trees)"',
        "looks like a CatBoost model in JSON",
        "Save the model with model.save_model('model.cbm').",
    ),
    (
        r"(?i)\s*<(!doctype html|html|head)",
        "is a web page, perhaps from a failed download",
        "Download it again.",
    ),
    (r"\s*<(\?xml|PMML)", "is an XML file, not a pickled model", _FROM_PYTHON),
    (r"\s*[{[]", "looks like JSON, not a pickled model", _FROM_PYTHON),
    (r"(#!|#.*\n|\"\"\"|(import|from) [\w.]+|def |class \w+)", "looks like source code, not a model", None),
    (r"[^\n,;\t]*([,;\t][^\n,;\t]*)+\r?\n", "looks like a CSV file: data, not a model", None),
)
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The start of an object in pickle protocol 0, which is ASCII too. A file that is cut short may end within it.
_PROTOCOL_0 = re.compile(r"c[\w.]*(\Z|\n[\w.]*(\Z|\n))|\(")


def refuse_foreign(start: bytes) -> None:
    """Raise `Refused` for an empty file, and for one that starts as another binary format does."""
    if not start:
        reason = "is empty"
        raise Refused(reason, hint="Save the model again; was the disk full?")
    for magic, reason, hint in _BINARY:
        if start.startswith(magic):
            raise Refused(reason, hint=hint)
    if _OLD_XGBOOST.search(start):
        reason = "is an XGBoost model in the binary format that XGBoost 3.1 no longer reads"
        raise Refused(reason, hint=_RESAVE)
    if start[257:262] == b"ustar":
        reason = "is a tar archive"
        raise Refused(reason, hint="Unpack it, and name the model inside.")


def clearer(refused: Refused, start: bytes) -> Refused:
    """Give a better reason for a refusal if the file turns out to be text; else the refusal itself."""
    text = _as_text(start)
    if text is None or _PROTOCOL_0.match(text):
        return refused
    for pattern, reason, hint in _TEXT_FORMATS:
        if re.match(pattern, text):
            return Refused(reason, hint=hint or _SAVE)
    return Refused(f"is a text file, not a model: it starts with {text.strip()[:40]!r}", hint=_SAVE)


def _as_text(start: bytes) -> str | None:
    try:
        # The start may end within a character: the incremental decoder does not mind.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
