"""Where each text with a command or a line of Python is followed, or why none is.

Each text is named by its beginning, with `{}` for what it computes.
"""

from __future__ import annotations

_HERE = "tests/test_hints.py::test_the_option_or_command_of_the_hint_succeeds"
_ADVICE = "tests/inspection/facts/test_advice.py::test_the_line_of_python_writes_a_model_that_is_taken"
_REFUSALS = "tests/inspection/facts/test_refusals.py::test_code_in_the_advice_makes_a_model_that_is_served"
_LINES = "tests/inspection/facts/test_member_choice.py::test_the_two_lines_make_the_pipeline"
_WRAPPERS = "tests/inspection/facts/test_wrappers.py"

FOLLOWED = {
    "  import joblib; from sklearn.pipeline import make_pipeline; {}": _LINES,
    "  joblib.dump(make_pipeline({}), {})": _LINES,
    "Fit it with novelty=True": _REFUSALS,
    "Save a classifier that was fitted": _REFUSALS,
    "Unpack it, and choose one": _HERE,
    "choose another folder": _HERE,
    "import joblib; ": _ADVICE,
    "import joblib; from sklearn.base import clone": (
        f"{_WRAPPERS}::test_what_the_package_prepares_itself_is_fitted_anew"
    ),
    "import joblib; from sklearn.pipeline": (
        f"{_WRAPPERS}::test_the_pipeline_inside_gives_the_same_answers_with_names"
    ),
    "infer build --tag {} --model-dir {} --model-file {}": (
        "tests/inspection/facts/test_advice.py::test_own_code_is_named_where_it_lies"
    ),
    "python -c {}": _ADVICE,
    "see `{} --help`": _HERE,
    "{}joblib.dump({}, {})": _ADVICE,
}
_ENGINE = "needs an engine and a build or a service; the command and its options are checked to exist"
_WHERE_IT_WAS_MADE = "is run where the model was made, with its library"
_OTHER_PROGRAM = "is a command of another program, which changes the machine or needs an account"
NOT_FOLLOWED = {
    _ENGINE: (
        "\nBuild an image of it",
        "\n{}\nStart it: infer run",
        "# What to do with this example",
        "Made {} ({})\nUse it",
        "`infer inspect` reads only images",
        "If you know who made the file, give the service more memory",
        "`infer ps` lists the services",
        "`infer ps` shows where",
        "a command stands behind",
        "build it: `infer build --tag",
        "build it: `infer build {}`",
        "build one for it",
        "build one for your model",
        "build one that fits",
        "call it after a model",
        "check it with `infer doctor`",
        "docker build --network none",
        "for a model, plan an image: `infer build",
        "give the rows as JSON Lines or Parquet, where a value",
        "infer predict {} {}",
        "infer run {}",
        "infer stop {}",
        "leave out --model-dir if a model is inside",
        "no traces are sent, although",
        "once the engine answers again, remove it",
        "look around in a shell",
        "make one: `infer base`",
        "name a file or a folder: `infer serve MODEL`",
        "name the folder that holds it: --model-dir",
        "nothing was written; `infer build` serves",
        "say where it is: `infer build MODEL`",
        "say where the model is: `infer",
        "see what it says: `infer logs`",
        "set INFER_TOKEN to a token",
        "\nToken: {} (shown once",
        '-H "Authorization: Bearer $(infer token',
        "another user or machine started it",
        "`infer token --list`",
        "see why: `infer logs",
        "serve a model with `infer up",
        "serve it first: `infer up",
        "start one: `infer up",
        "stop the service and start it",
        "this service always has its model loaded",
        "\nBack to the model before: infer rollback",
        "see its log: `infer logs",
        "start it anew: `infer restart",
        "{}; if its clients know of that: `infer reload",
        "what the model takes: `curl",
        "without a registry, `infer base",
        "write over it with --force",
        "curl {}'{}{}'",
        "curl {}-H 'Content-Type",
        "{} serves the copy",
        "{}: {} changed on disk",
        "{}uv run train.py",
        "the package index cannot be reached",
        "infer base",
    ),
    _WHERE_IT_WAS_MADE: (
        "Compile the model again",
        "Fit it before it is saved",
        "If you made this file, take that value out",
        "Install lz4 where infer runs",
        "Load it in Python, and save",
        "Save a pipeline of scikit-learn: `infer build` prints",
        "Save a scikit-learn model with joblib.dump",
        "Save it again with the XGBoost",
        "Save the fitted model, with joblib.dump",
        "Save the model again, with",
        "Save the model again with mlflow",
        "Save the model alone in a file",
        "Save the model with",
        "Save the trained",
        "infer serves one fitted model: save that",
        "make one of it, and fit it",
    ),
    _OTHER_PROGRAM: (
        "Run chmod a+r",
        "`apt-get install mmdebstrap`",
        "`docker login",
        "docker rm -f",
        "fix the file, or remove it and log in",
        "fix the helper, or log in",
        "free some: `docker system df`",
        "let others read it: chmod",
        "see `docker context ls`",
        "start it: `open -a Docker`",
        "the engine's disk is full",
    ),
}
